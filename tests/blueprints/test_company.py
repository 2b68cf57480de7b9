"""The partner's own company page: changed at once or after a check, confirmed again and again."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import DetailQuery, Partner
from models.verification import DetailChange, DetailCheck
from services import confirmation, desk, verdicts
from services.verdicts import Verdict
from services.verification_sweep import sweep
from tests.applicants import texts_of

FORM = {
    "legal_name": "Northwind Traders GmbH",
    "register_number": "HRB 1001 B",
    "vat_id": "DE136695976",
    "street": "Hauptstraße 1",
    "postcode": "10115",
    "city": "Berlin",
    "phone": "+49 30 1234567",
}


def northwind(cast) -> Partner:
    return Partner.get_by_id(cast.northwind.id)


def seen(cast) -> str:
    return confirmation.worded(northwind(cast))


def save(browser, cast, **changes):
    return browser.post("/company/edit", data={**FORM, "seen": seen(cast), **changes})


def judge(cast, acting, settings, **found) -> Partner:
    wanted = {name: Verdict(*verdict) for name, verdict in found.items()}
    return verdicts.judge(acting(cast.olga), settings, cast.northwind.id, wanted)


def test_address_and_phone_hold_at_once_and_are_to_be_checked(cast, client_as, acting, settings):
    alice = client_as(cast.alice)
    assert save(alice, cast, street="Nebenstraße 2", phone="+49 30 7654321").status_code == 303
    assert (northwind(cast).street, northwind(cast).phone) == ("Nebenstraße 2", "+49307654321")
    marks = {detail.field: detail.mark for detail in desk.details(northwind(cast))}
    assert (marks["street"], marks["phone"], marks["city"]) == ("changed", "changed", "accepted")
    assert "Being checked" in alice.get("/company").text
    judge(cast, acting, settings, street=("accepted",))
    marks = {detail.field: detail.mark for detail in desk.details(northwind(cast))}
    assert (marks["street"], marks["phone"]) == ("accepted", "changed")


def test_a_new_name_waits_and_the_old_one_stays_in_force(cast, client_as, acting, settings):
    alice = client_as(cast.alice)
    save(alice, cast, legal_name="Northwind Trading GmbH")
    assert northwind(cast).legal_name == "Northwind Traders GmbH"
    page = alice.get("/company")
    assert "Waits for us" in page.text
    assert 'value="Northwind Trading GmbH"' in alice.get("/company/edit").text
    judge(cast, acting, settings, legal_name=("accepted",))
    assert (northwind(cast).legal_name, northwind(cast).name_key) == (
        "Northwind Trading GmbH",
        "northwind trading gmbh",
    )
    told = Mail.get(Mail.template == "details_judged")
    assert "Company name: Accepted" in told.text


def test_a_rejected_wish_goes_and_the_partner_reads_why(cast, client_as, acting, settings):
    alice = client_as(cast.alice)
    save(alice, cast, register_number="HRB 9999 B")
    judge(cast, acting, settings, register_number=("rejected", "The register does not know it."))
    assert northwind(cast).register_number == "HRB 1001 B"
    assert "The register does not know it." in alice.get("/company").text
    assert "The register does not know it." in Mail.get(Mail.template == "details_judged").text
    assert not DetailChange.select().where(DetailChange.decided_at.is_null()).exists()
    assert not DetailQuery.select().exists()


def test_asking_for_the_old_value_takes_the_wish_back(cast, client_as):
    alice = client_as(cast.alice)
    save(alice, cast, vat_id="DE129273398")
    save(alice, cast)
    assert [row.verdict for row in DetailChange.select()] == ["withdrawn"]
    assert "Waits for us" not in alice.get("/company").text


def test_what_is_found_wrong_is_asked_about_and_answered_on_the_page(cast, client_as, acting, settings):
    judge(cast, acting, settings, city=("rejected", "Letters came back."))
    alice = client_as(cast.alice)
    assert "1 question about your company" in alice.get("/home").text
    assert "Letters came back." in alice.get("/company").text
    save(alice, cast, city="Potsdam", answer_city="We moved.")
    row = DetailQuery.get()
    assert (row.value_before, row.value_after, row.answer, row.answered_by) == (
        "Berlin",
        "Potsdam",
        "We moved.",
        "Alice Adler",
    )
    assert {detail.field: detail.mark for detail in desk.details(northwind(cast))}["city"] == "changed"


def test_wrong_details_are_explained_beside_their_fields_and_kept(cast, client_as):
    page = save(client_as(cast.alice), cast, vat_id="DE111111111", street="Nebenstraße 2")
    assert page.status_code == 422
    assert texts_of(page, "#vat_id-error")
    assert 'value="Nebenstraße 2"' in page.text
    assert northwind(cast).street == "Hauptstraße 1"


def test_of_two_open_pages_the_second_loses_nothing_and_sees_both(cast, client_as):
    alice, old = client_as(cast.alice), seen(cast)
    save(alice, cast, city="Potsdam")
    late = save(alice, cast, street="Nebenstraße 2", seen=old)
    assert late.status_code == 409
    assert "Somebody changed the details meanwhile." in late.text
    assert 'value="Nebenstraße 2"' in late.text
    assert "Potsdam" in "".join(texts_of(late, ".notice"))
    assert northwind(cast).street == "Hauptstraße 1"


def test_a_form_that_does_not_say_what_it_saw_changes_and_confirms_nothing(cast, client_as):
    assert client_as(cast.alice).post("/company/edit", data={}).status_code == 409
    assert client_as(cast.alice).post("/company/confirm", data={}).status_code == 409
    assert northwind(cast).details_confirmed_at is None


def test_a_change_is_on_the_trail_with_before_and_after(cast, client_as):
    save(client_as(cast.alice), cast, city="Potsdam", legal_name="Northwind Trading GmbH")
    event = AuditEvent.get(AuditEvent.action == "partner.details_changed")
    assert (event.actor_name, event.before, event.after) == (
        "Alice Adler",
        {"city": "Berlin"},
        {"city": "Potsdam", "asked_for": {"legal_name": "Northwind Trading GmbH"}},
    )


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("vera", 403), ("olga", 404)])
def test_only_an_administrator_changes_the_company(cast, client_as, who, status):
    browser = client_as(getattr(cast, who))
    assert browser.get("/company/edit").status_code == status
    assert browser.post("/company/confirm", data={"seen": seen(cast)}).status_code == status
    assert browser.get("/company").status_code == (404 if who == "olga" else 200)


def test_the_portal_asks_when_the_time_has_come_and_only_once(cast, client_as, acting, settings, clock):
    sweep(acting(), settings)
    assert not Mail.select().exists()
    clock.advance(days=180)
    sweep(acting(), settings)
    sweep(acting(), settings)
    assert [mail.template for mail in Mail.select().where(Mail.recipient == cast.alice.email)] == ["details_confirm"]
    home = client_as(cast.alice).get("/home")
    assert "Are your company&#39;s details still right?" in home.text
    assert "Confirm that your company&#39;s details are still right" in home.text


def test_confirming_in_one_act_ends_the_question(cast, client_as, acting, settings, clock):
    clock.advance(days=180)
    sweep(acting(), settings)
    alice = client_as(cast.alice)
    assert alice.post("/company/confirm", data={"seen": seen(cast)}).status_code == 303
    assert (northwind(cast).details_confirmed_at, northwind(cast).details_due_at) == (clock.now(), None)
    assert "still right?" not in alice.get("/home").text
    clock.advance(days=179)
    sweep(acting(), settings)
    assert northwind(cast).details_asked_at is None


def test_after_the_grace_only_looking_and_confirming_is_left(cast, client_as, acting, settings, clock):
    clock.advance(days=180)
    sweep(acting(), settings)
    clock.advance(days=30)
    sweep(acting(), settings)
    alice = client_as(cast.alice)
    assert "Nobody has confirmed your company&#39;s details" in alice.get("/home").text
    refused = alice.get("/sub-accounts/new")
    assert (refused.status_code, "Nobody has confirmed your company&#39;s details" in refused.text) == (403, True)
    assert "New sub-account" not in alice.get("/sub-accounts").text
    assert Mail.select().where(Mail.template == "details_overdue").exists()
    assert save(alice, cast, city="Potsdam").status_code == 303
    assert alice.get("/sub-accounts/new").status_code == 200


def test_what_somebody_changed_meanwhile_is_not_confirmed_unseen(cast, client_as, acting, settings, clock):
    clock.advance(days=180)
    sweep(acting(), settings)
    alice, old = client_as(cast.alice), seen(cast)
    Partner.update(city="Potsdam").where(Partner.id == cast.northwind.id).execute()
    late = alice.post("/company/confirm", data={"seen": old})
    assert late.status_code == 409
    assert northwind(cast).details_asked_at is not None


def test_a_finding_is_kept_with_who_when_and_why(cast, acting, settings, clock):
    judge(cast, acting, settings, city=("rejected", "Letters came back."))
    row = DetailCheck.get()
    assert (row.field, row.value, row.verdict, row.note, row.checked_name, row.checked_at) == (
        "city", "Berlin", "rejected", "Letters came back.", "Olga Olsen", clock.now(),
    )  # fmt: skip


def test_a_company_confirmed_late_is_asked_from_then_on(cast, acting, settings, clock):
    clock.advance(days=500)
    sweep(acting(), settings)
    due_at = northwind(cast).details_due_at
    assert due_at == clock.now() + timedelta(days=30)
