"""Pages on which operators suspend, reinstate, terminate and bar; and the desk's verdicts about single details."""

import pytest

from models.closure import Closure
from models.operator import Operator
from models.outbox import Mail
from models.partner import DetailQuery, Partner
from models.verification import DetailChange, DetailCheck, Measure
from services import desk, verification
from tests.applicants import applicant, texts_of
from tests.cast import password_hash

GIVEN = {"reason": "unpaid", "note": "Three invoices are open."}


def seen(partner: Partner) -> str:
    return desk.fingerprint(Partner.get_by_id(partner.id))


def state(partner: Partner) -> str:
    return Partner.get_by_id(partner.id).state


def put(browser, partner: Partner, way: str, **values):
    return browser.post(f"/admin/partners/{partner.id}/{way}", data={"seen": seen(partner), **GIVEN, **values})


@pytest.fixture
def max_manager(cast, clock) -> Operator:
    """A second operator who may decide."""
    return Operator.create(
        name="Max Meyer",
        email="max@provider.example.com",
        email_key="max@provider.example.com",
        right="manager",
        password_hash=password_hash(),
        created_at=clock.now(),
    )


@pytest.mark.parametrize("htmx", [False, True])
def test_a_partner_is_suspended_and_reinstated(cast, client_as, htmx):
    olga, own = client_as(cast.olga), f"/admin/partners/{cast.northwind.id}"
    assert "What the partner is told" in olga.get(own + "/suspend").text
    answer = olga.post(own + "/suspend", data={"seen": seen(cast.northwind), **GIVEN, "level": "read"}, htmx=htmx)
    assert (answer.status_code, state(cast.northwind)) == (204 if htmx else 303, "suspended")
    assert "Three invoices are open." in olga.get(own).text
    page = client_as(cast.alice).get("/company").text
    assert "Three invoices are open." in page
    assert "access to their data goes on" in page
    assert put(olga, cast.northwind, "reinstate", note="Paid.").status_code == 303
    assert state(cast.northwind) == "active"
    assert "Paid." in Mail.get(Mail.template == "partner_reinstated").text


def test_a_partner_that_is_closed_out_reads_why(cast, client_as):
    put(client_as(cast.olga), cast.northwind, "suspend", level="application", storage="y")
    alice = client_as(cast.alice)
    assert alice.get("/home").location == "/application"
    page = alice.get("/application").text
    assert "Three invoices are open." in page
    assert "cannot reach their data either" in page


@pytest.mark.parametrize(("values", "field"), [({"reason": ""}, "reason"), ({"note": " "}, "note")])
def test_what_is_missing_is_said_beside_its_field(cast, client_as, values, field):
    page = put(client_as(cast.olga), cast.northwind, "suspend", **values)
    assert page.status_code == 422
    assert texts_of(page, f"#{field}-error")
    assert state(cast.northwind) == "active"


def test_of_two_open_pages_the_second_does_nothing_and_keeps_its_words(cast, client_as):
    olga, old = client_as(cast.olga), seen(cast.northwind)
    put(olga, cast.northwind, "suspend")
    put(olga, cast.northwind, "reinstate", note="Paid.")
    late = put(olga, cast.northwind, "suspend", seen=old, note="Typed with care.")
    assert late.status_code == 409
    assert "changed since you opened the page" in late.text
    assert "Typed with care." in late.text
    assert state(cast.northwind) == "active"


def test_a_double_click_suspends_once(cast, client_as):
    olga, old = client_as(cast.olga), seen(cast.northwind)
    assert [put(olga, cast.northwind, "suspend", seen=old).status_code for _ in (1, 2)] == [303, 409]
    assert Measure.select().count() == 1


def test_a_termination_goes_through_two_hands(cast, client_as, max_manager):
    olga, other, own = client_as(cast.olga), client_as(max_manager), f"/admin/partners/{cast.northwind.id}"
    assert put(olga, cast.northwind, "terminate").status_code == 303
    assert "A termination waits for a second operator" in other.get("/admin").text
    again = put(olga, cast.northwind, "terminate/confirm")
    assert again.status_code == 409
    assert "Somebody else has to confirm it." in again.text
    assert not Closure.select().exists()
    assert "Confirm the termination" in other.get(own).text
    assert put(other, cast.northwind, "terminate/confirm").status_code == 303
    assert Closure.get().partner_id == cast.northwind.id
    assert "A termination waits" not in other.get("/admin").text


def test_a_termination_is_taken_back(cast, client_as, max_manager):
    put(client_as(cast.olga), cast.northwind, "terminate")
    assert put(client_as(max_manager), cast.northwind, "terminate/withdraw").status_code == 303
    assert state(cast.northwind) == "active"
    assert put(client_as(max_manager), cast.northwind, "terminate/confirm").status_code == 409


def test_a_refused_company_is_barred_and_the_bar_lifted(cast, client_as, clock):
    partner, olga = applicant(clock.now(), state="refused"), client_as(cast.olga)
    assert put(olga, partner, "bar").status_code == 303
    assert state(partner) == "barred"
    again = applicant(clock.now())
    page = olga.get(f"/admin/partners/{again.id}").text
    assert "Barred company" in page
    refused = put(olga, again, "approve", rest="accept")
    assert (refused.status_code, state(again)) == (409, "applied")
    assert put(olga, partner, "lift-bar", note="A mistake of ours.").status_code == 303
    assert state(partner) == "refused"


WAYS = ("suspend", "reinstate", "terminate", "terminate/confirm", "terminate/withdraw", "bar", "lift-bar", "details")


@pytest.mark.parametrize("way", WAYS)
def test_support_looks_and_members_learn_nothing(cast, client_as, way):
    assert put(client_as(cast.oscar), cast.northwind, way).status_code == 403
    assert put(client_as(cast.alice), cast.northwind, way).status_code == 404
    assert client_as(cast.olga).post(f"/admin/partners/999999/{way}", data=GIVEN).status_code == 404


def test_each_detail_gets_a_verdict_before_the_approval(cast, client_as, clock):
    partner, olga = applicant(clock.now()), client_as(cast.olga)
    own = f"/admin/partners/{partner.id}"
    early = put(olga, partner, "approve")
    assert (early.status_code, state(partner)) == (409, "applied")
    assert "8 details are not accepted yet." in olga.get(own).text
    verdicts = {f"verdict_{name}": "accepted" for name in desk.DETAILS}
    assert put(olga, partner, "details", **verdicts).status_code == 303
    assert "not accepted yet" not in olga.get(own).text
    assert put(olga, partner, "approve").status_code == 303
    assert state(partner) == "active"


def test_accepting_all_the_rest_leaves_a_finding_for_each(cast, client_as, clock):
    partner, olga = applicant(clock.now()), client_as(cast.olga)
    put(olga, partner, "details", verdict_city="accepted")
    put(olga, partner, "approve", rest="accept")
    rows = list(DetailCheck.select().where(DetailCheck.partner == partner))
    assert sorted(row.field for row in rows) == sorted(desk.DETAILS)
    assert {row.verdict for row in rows} == {"accepted"}


def test_what_was_found_wrong_is_not_accepted_with_the_rest(cast, client_as, clock):
    partner, olga = applicant(clock.now()), client_as(cast.olga)
    put(olga, partner, "details", verdict_city="rejected", note_city="Letters came back.")
    refused = put(olga, partner, "approve", rest="accept")
    assert (refused.status_code, state(partner)) == (409, "applied")
    assert "was found wrong" in refused.text
    assert not Mail.select().exists()  # why stays with us until somebody asks or refuses


def test_a_question_from_the_verdicts_goes_to_the_applicant(cast, client_as, clock):
    partner, olga = applicant(clock.now()), client_as(cast.olga)
    put(olga, partner, "details", verdict_city="queried", note_city="Graz or Wien?", verdict_phone="accepted")
    assert state(partner) == "query"
    assert DetailQuery.get().note == "Graz or Wien?"
    assert "Graz or Wien?" in Mail.get(Mail.template == "application_query").text
    marks = {detail.field: detail.mark for detail in verification.details(Partner.get_by_id(partner.id))}
    assert (marks["city"], marks["phone"], marks["street"]) == ("queried", "accepted", "open")


@pytest.mark.parametrize("verdict", ["queried", "rejected"])
def test_a_verdict_that_asks_for_something_needs_words(cast, client_as, clock, verdict):
    partner = applicant(clock.now())
    page = put(client_as(cast.olga), partner, "details", verdict_city=verdict)
    assert page.status_code == 422
    assert texts_of(page, "#note_city-error")
    assert not DetailCheck.select().exists()


def test_verdicts_about_something_else_than_what_stands_are_refused(cast, client_as, clock):
    partner, olga = applicant(clock.now()), client_as(cast.olga)
    old = seen(partner)
    Partner.update(city="Graz").where(Partner.id == partner.id).execute()
    late = put(olga, partner, "details", seen=old, verdict_city="accepted")
    assert late.status_code == 409
    assert not DetailCheck.select().exists()


def test_changed_details_of_partners_wait_in_the_queue(cast, client_as, clock):
    DetailChange.create(
        partner=cast.northwind, field="legal_name", value_before="Northwind Traders GmbH",
        value_after="Northwind Trading GmbH", held=True, changed_by="Alice Adler", changed_at=clock.now(),
    )  # fmt: skip
    olga = client_as(cast.olga)
    assert "1 detail was changed" in olga.get("/admin").text
    assert "Northwind Trading GmbH" in olga.get(f"/admin/partners/{cast.northwind.id}/details").text
    put(olga, cast.northwind, "details", verdict_legal_name="accepted")
    assert Partner.get_by_id(cast.northwind.id).legal_name == "Northwind Trading GmbH"
    assert "1 detail was changed" not in olga.get("/admin").text


def test_values_that_belong_together_are_decided_together(cast, client_as, clock):
    """Taking the VAT number away needs the register number, which would go too."""
    for name in ("vat_id", "register_number"):
        DetailChange.create(
            partner=cast.northwind, field=name, value_before=getattr(cast.northwind, name), value_after="",
            held=True, changed_by="Alice Adler", changed_at=clock.now(),
        )  # fmt: skip
    Partner.update(country="US").where(Partner.id == cast.northwind.id).execute()
    page = put(
        client_as(cast.olga), cast.northwind, "details", verdict_vat_id="accepted", verdict_register_number="accepted"
    )
    assert page.status_code == 422
    assert "would not fit together" in page.text
