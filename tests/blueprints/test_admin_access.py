"""Who opens the operators' pages: every address of the area, by its rule."""

import re

import pytest

from models.contract import Contract
from models.operator import Operator
from models.partner import Partner
from tests.applicants import applicant

# All that support may set going; whatever else takes a form is for deciders.
SUPPORT_MAY_DO = {"admin.answer_request", "admin.query", "admin.send_again", "admin.try_again"}
# Forms that are sent to another address.
DECIDERS_LOOK = {"admin.edit_contract"}
OWNERS_ONLY = {
    "admin.operators", "admin.new_operator", "admin.deactivate_operator", "admin.activate_operator",
    "admin.archive_shelves", "admin.archive_look",
}  # fmt: skip
WHO = ["alice", "bob", "vera", "charlie"]


def of(converter: str | None) -> str:
    """A value that an address takes in a place of this kind; names are letters or digits alike."""
    return "a" * 43 if converter == "token:" else "1"


def addresses(app, partner_id: int) -> list[tuple[str, str, str]]:
    """Endpoint, method and address of every rule of the area, its places filled in."""
    filled = {"partner_id": str(partner_id), "number": "100000000001"}
    return [
        (
            rule.endpoint,
            method,
            re.sub(r"<(\w+:)?(\w+)>", lambda place: filled.get(place[2]) or of(place[1]), rule.rule),
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.")
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


@pytest.fixture
def waiting(cast, clock) -> Partner:
    return applicant(clock.now())


def test_the_area_has_pages(app, waiting):
    assert len(addresses(app, waiting.id)) > 15


@pytest.mark.parametrize("who", WHO)
def test_a_member_of_a_partner_gets_404_on_every_address(app, cast, client_as, waiting, who):
    browser = client_as(getattr(cast, who))
    answers = {
        address: browser.open(address, method=method) for _endpoint, method, address in addresses(app, waiting.id)
    }
    assert {address: response.status_code for address, response in answers.items() if response.status_code != 404} == {}


def test_a_stranger_is_asked_to_sign_in_on_every_address(app, client, waiting):
    for _endpoint, method, address in addresses(app, waiting.id):
        response = client.open(address, method=method)
        assert (response.status_code, "/login" in response.location) == (303, True), address


def test_nothing_happens_when_a_member_posts(app, cast, client_as, waiting):
    browser = client_as(cast.alice)
    for _endpoint, method, address in addresses(app, waiting.id):
        if method == "POST":
            browser.post(address, data={"reason": "x", "note_city": "x"})
    assert Partner.get_by_id(waiting.id).state == "applied"
    assert Operator.select().where(Operator.active).count() == 2
    assert Contract.select().count() == 2


def test_support_is_told_what_its_right_does_not_include(app, cast, client_as, waiting):
    browser = client_as(cast.oscar)
    takes_a_form = {endpoint for endpoint, method, _address in addresses(app, waiting.id) if method == "POST"}
    for endpoint, method, address in addresses(app, waiting.id):
        closed = endpoint in (takes_a_form - SUPPORT_MAY_DO) | DECIDERS_LOOK | OWNERS_ONLY
        assert (browser.open(address, method=method).status_code == 403) is closed, address
    assert Partner.get_by_id(waiting.id).state == "applied"


def test_a_manager_decides_but_does_not_manage_operators(app, cast, client_as, waiting, clock):
    Operator.update(right="manager").where(Operator.id == cast.oscar.id).execute()
    browser = client_as(cast.oscar)
    for endpoint, method, address in addresses(app, waiting.id):
        assert (browser.open(address, method=method).status_code == 403) is (endpoint in OWNERS_ONLY), address


def test_a_post_without_the_token_is_refused(app, cast, client_as, waiting):
    browser = client_as(cast.olga)
    for _endpoint, method, address in addresses(app, waiting.id):
        if method == "POST":
            assert browser.post(address, csrf=False).status_code == 400, address
    assert Partner.get_by_id(waiting.id).state == "applied"


@pytest.mark.parametrize("address", ["/admin/partners/999999", "/admin/partners/999999/trail", "/admin/outbox/999999"])
def test_unknown_things_are_404(cast, client_as, address):
    assert client_as(cast.olga).get(address).status_code == 404
