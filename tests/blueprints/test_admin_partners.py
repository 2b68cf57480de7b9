"""The list of partners and the partner file."""

import dataclasses
import re
from datetime import timedelta

import pytest

from models.base import write_tx
from models.contract import Contract
from models.partner import Member, Partner
from models.sub_account import SubAccount
from models.terms import Acceptance
from services import links, verification
from services.audit import record
from tests.accounts import opened
from tests.applicants import applicant, sub_account, texts_of
from tests.cast import TB

HOSTILE = "\"><img src=x onerror=alert(1)>'<script>alert(1)</script>"


def names(page) -> list[str]:
    return texts_of(page, "#partners tbody th, tbody th[scope=row] a")


def many(clock, count: int) -> None:
    for number in range(count):
        applicant(clock.now(), name=f"Partner {number:03d}")


def test_the_list_shows_every_partner_with_its_state_and_package(cast, client_as):
    page = client_as(cast.oscar).get("/admin/partners")
    rows = texts_of(page, "tbody tr")
    assert ["Contoso Ltd" in rows[0], "Northwind Traders GmbH" in rows[1]] == [True, True]
    assert "Active" in rows[1]
    assert "10\u00a0TB".replace("\u00a0", " ") in rows[1].replace("\u00a0", " ")


@pytest.mark.parametrize(
    "search", ["north", "NORTHWIND", "ＮＯＲＴＨ", "rcp-1001", "1001", "100000000001", " traders "]
)
def test_a_search_finds_by_name_contract_and_sub_account(cast, client_as, clock, search):
    sub_account(cast.contract, cast.region, clock.now())
    page = client_as(cast.oscar).get("/admin/partners", query_string={"q": search})
    assert texts_of(page, "tbody th") == ["Northwind Traders GmbH"]


@pytest.mark.parametrize("search", ["%%", "__", "\\%", "zz", "x" * 10_000])
def test_a_search_for_signs_of_the_database_finds_nothing(cast, client_as, search):
    page = client_as(cast.oscar).get("/admin/partners", query_string={"q": search})
    assert page.status_code == 200
    assert texts_of(page, "tbody th") == []


def test_one_letter_is_not_searched_for(cast, client_as):
    page = client_as(cast.oscar).get("/admin/partners?q=z")
    assert len(texts_of(page, "tbody th")) == 2


def test_the_state_filters(cast, client_as, clock):
    applicant(clock.now())
    assert texts_of(client_as(cast.oscar).get("/admin/partners?state=applied"), "tbody th") == ["Fabrikam AG"]
    assert len(texts_of(client_as(cast.oscar).get("/admin/partners?state=nonsense"), "tbody th")) == 3


def test_pages_lead_on_and_back_without_losing_or_repeating_anyone(cast, client_as, clock):
    many(clock, 120)
    browser, seen, address = client_as(cast.oscar), [], "/admin/partners?q=partner"
    pages = []
    while address:
        page = browser.get(address)
        pages.append(texts_of(page, "tbody th"))
        seen += pages[-1]
        address = link(page, "next")
    assert seen == [f"Partner {number:03d}" for number in range(120)]
    back = browser.get(link(page, "prev"))
    assert texts_of(back, "tbody th") == pages[1]
    first = browser.get(link(back, "prev"))
    assert texts_of(first, "tbody th") == pages[0]
    assert link(first, "prev") is None


def link(page, rel: str) -> str | None:
    from selectolax.lexbor import LexborHTMLParser

    found = LexborHTMLParser(page.text).css_first(f'a[rel="{rel}"]')
    return found.attributes["href"] if found else None


def test_a_page_that_begins_after_nobody_begins_at_the_start(cast, client_as):
    page = client_as(cast.oscar).get("/admin/partners?after=999999&before=x")
    assert len(texts_of(page, "tbody th")) == 2


def test_htmx_gets_the_rows_alone(cast, client_as):
    answer = client_as(cast.oscar).get("/admin/partners?q=north", htmx=True)
    assert answer.text.lstrip().startswith('<div id="partners"')
    assert "<h1" not in answer.text


def test_a_search_without_a_match_says_so(cast, client_as):
    assert "No partner fits" in client_as(cast.oscar).get("/admin/partners?q=nobody").text


def test_the_list_asks_the_database_as_often_for_fifty_as_for_two(cast, client_as, clock, count_queries):
    browser, counts = client_as(cast.oscar), []
    for more in (0, 48):
        many(clock, more)
        with count_queries() as queries:
            browser.get("/admin/partners")
        counts.append(queries.count)
    assert counts[0] == counts[1]


def test_the_file_shows_details_people_consents_contracts_and_use(cast, client_as, clock):
    sub_account(cast.contract, cast.region, clock.now(), used_bytes=5 * 10**11)
    page = client_as(cast.oscar).get(f"/admin/partners/{cast.northwind.id}").text
    for expected in (
        "DE136695976",
        "Alice Adler",
        "RCP-1001",
        "1 sub-account",
        Acceptance.select().first().sha256[:12],
    ):
        assert expected in page


def test_the_file_shows_the_trail_and_leads_to_all_of_it(cast, client_as, clock, acting, settings):
    partner = applicant(clock.now())
    verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"})
    verification.approve(acting(cast.olga), settings, partner.id, rest=True)
    browser = client_as(cast.oscar)
    glance = texts_of(browser.get(f"/admin/partners/{partner.id}"), "tbody tr")
    assert any("State: Applied → Asked to correct" in row and "Details: City" in row for row in glance)
    assert any("Application approved" in row and "Olga Olsen" in row for row in glance)
    assert len(texts_of(browser.get(f"/admin/partners/{partner.id}/trail"), "tbody tr")) == 2


def test_the_trail_pages_without_losing_a_line(cast, client_as, acting):
    from models.base import write_tx
    from services.audit import record

    with write_tx():
        for number in range(70):
            record(acting(cast.alice), "allocation.changed", cast.contract, partner=cast.contoso, after={"n": number})
    browser = client_as(cast.oscar)
    first = browser.get(f"/admin/partners/{cast.contoso.id}/trail")
    second = browser.get(link(first, "next"))
    assert [len(texts_of(page, "tbody tr")) for page in (first, second)] == [50, 20]


def test_the_reason_of_a_refusal_is_shown_to_operators(cast, client_as, clock, acting, settings):
    partner = applicant(clock.now())
    verification.refuse(acting(cast.olga), settings, partner.id, "Letters came back.")
    assert "Letters came back." in client_as(cast.oscar).get(f"/admin/partners/{partner.id}").text


def test_hostile_names_are_text_everywhere(cast, client_as, clock, acting, settings):
    partner = applicant(clock.now(), name=HOSTILE, city=HOSTILE, street=HOSTILE, vat_id=HOSTILE)
    Member.update(name=HOSTILE, job_title=HOSTILE, phone=HOSTILE).where(Member.partner == partner).execute()
    Partner.update(name_key=HOSTILE.casefold()).where(Partner.id == partner.id).execute()
    verification.query(acting(cast.oscar), settings, partner.id, {"city": HOSTILE})
    browser = client_as(cast.olga)
    own = f"/admin/partners/{partner.id}"
    for address in (
        "/admin",
        "/admin/partners",
        own,
        own + "/query",
        own + "/refuse",
        own + "/trail",
        "/admin/outbox",
        "/admin/outbox/1",
    ):
        page = browser.get(address)
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "<script>alert" not in page.text
        assert address == "/admin/outbox" or "&lt;script&gt;alert(1)" in page.text, address


def test_a_contract_of_any_state_can_be_read(cast, client_as):
    for state in ("draft", "active", "expired", "terminated"):
        Contract.update(state=state).where(Contract.id == cast.contract.id).execute()
        assert client_as(cast.oscar).get(f"/admin/partners/{cast.northwind.id}").status_code == 200


def test_used_capacity_stands_with_the_time_of_its_oldest_measurement(cast, client_as, clock):
    file = f"/admin/partners/{cast.northwind.id}"
    at = clock.now()
    sub_account(cast.contract, cast.region, at)
    browser = client_as(cast.olga)
    assert "not measured yet" in browser.get(file).text
    for number, minutes in (("100000000002", 5), ("100000000003", 65)):
        values = {"public_id": number, "remote_uid": number, "measured_at": at - timedelta(minutes=minutes)}
        sub_account(cast.contract, cast.region, at, number, used_bytes=TB // 2, **values)
    (told,) = [text for text in texts_of(browser.get(file), ".card p") if text.startswith("measured")]
    assert told == "measured 07:55"


RAW = re.compile(r"[a-z]+_[a-z_]+:|\b(web|cli|visitor|draft|applied|confirm_mail|pay_per_use|True|False)\b")


@pytest.fixture
def eventful(cast, acting, settings, clock) -> Partner:
    """A partner for whom much was done, by everybody and everything."""
    opened(cast, settings, clock.now())
    links.issue(acting(cast.alice), "reset_password", cast.alice)
    by_visitor = dataclasses.replace(acting(cast.alice), kind="visitor", actor_name="", source="web")
    by_worker = acting(None)
    with write_tx():
        partner = cast.northwind
        states = {"before": {"state": "draft"}, "after": {"state": "applied"}}
        record(by_visitor, "partner.applied", partner, partner=partner, **states)
        stuck = {"phase": "attention", "reason": "fault"}
        record(by_worker, "sub_account.stuck", SubAccount.get(), partner=partner, after=stuck)
        record(by_worker, "sub_account.writing_switched", SubAccount.get(), partner=partner, after={"writable": False})
        record(by_worker, "contract.activated", cast.contract, partner=partner, before={"state": "draft"})
    return partner


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        (
            "en",
            ("Sign-up unfinished → Applied", "Not begun", "Contact's mail address", "Visitor", "website", "stopped"),
        ),
        ("de", ("Registrierung unvollständig → ", "Besucher", "Website", "angehalten", "Zweck: Neues Passwort wählen")),
    ],
)
def test_the_trail_speaks_words_and_not_names_of_fields(cast, client_as, eventful, locale, told):
    browser = client_as(cast.olga)
    browser.post("/language", data={"language": locale})
    rows = " ".join(texts_of(browser.get(f"/admin/partners/{eventful.id}/trail"), "tbody tr"))
    assert RAW.findall(rows) == []
    for words in told:
        assert words in rows


def test_what_has_no_word_keeps_its_name(cast, client_as, acting):
    with write_tx():
        record(acting(cast.alice), "new.thing", cast.contract, partner=cast.contoso, after={"new_field": "new_value"})
    (row,) = texts_of(client_as(cast.olga).get(f"/admin/partners/{cast.contoso.id}/trail"), "tbody tr")
    assert "new_field: new_value" in row and "new.thing" in row
