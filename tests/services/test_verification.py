"""The verification desk: asking, approving, refusing; and what it warns of."""

import threading

import pytest

from models.audit import AuditEvent
from models.base import database
from models.outbox import Mail
from models.partner import DetailQuery, Member, Partner
from services import applications, look_alikes, verification
from services.refusal import NotFound
from services.verification import DecisionRefused
from tests.applicants import answered, applicant


def marks(partner: Partner) -> dict[str, str]:
    return {detail.field: detail.mark for detail in verification.details(Partner.get_by_id(partner.id))}


def test_a_question_is_kept_with_the_value_it_was_about_and_mailed_to_the_administrator(cast, acting, settings, clock):
    partner = applicant(clock.now())
    rows = verification.query(
        acting(cast.oscar),
        settings,
        partner.id,
        {"vat_id": "The register knows another one.", "city": "", "phone": "Whose is it?"},
    )
    assert [(row.field, row.value_before, row.asked_by) for row in rows] == [
        ("vat_id", "ATU12345675", "Oscar Otto"),
        ("phone", "+4315550100", "Oscar Otto"),
    ]
    assert Partner.get_by_id(partner.id).state == "query"
    mail = Mail.get()
    assert (mail.template, mail.recipient, mail.private) == (
        "application_query",
        f"dana{partner.id}@applicant.example.com",
        False,
    )
    assert "VAT number" in mail.text
    assert "The register knows another one." in mail.text
    assert settings.public_url + "/application" in mail.text
    assert marks(partner) | {"vat_id": "queried", "phone": "queried", "city": "open"} == marks(partner)


def test_a_question_leaves_one_line_in_the_trail(cast, acting, settings, clock):
    partner = applicant(clock.now())
    verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"})
    event = AuditEvent.get(AuditEvent.partner == partner)
    assert (event.action, event.before, event.after) == (
        "partner.queried",
        {"state": "applied"},
        {"state": "query", "details": ["city"]},
    )


@pytest.mark.parametrize(
    ("notes", "field", "words"),
    [
        ({}, None, "at least one detail"),
        ({"city": "   "}, None, "at least one detail"),
        ({"city": "x" * 1001}, "note_city", "at most"),
    ],
)
def test_empty_and_overlong_questions_are_refused_beside_their_field(
    cast, acting, settings, clock, notes, field, words
):
    partner = applicant(clock.now())
    with pytest.raises(DecisionRefused) as refused:
        verification.query(acting(cast.oscar), settings, partner.id, notes)
    assert refused.value.field == field
    assert words in refused.value.text
    assert not DetailQuery.select().exists()
    assert not Mail.select().exists()


def test_what_was_asked_and_not_answered_is_not_asked_again(cast, acting, settings, clock):
    partner = applicant(clock.now())
    verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"})
    with pytest.raises(DecisionRefused) as refused:
        verification.query(acting(cast.olga), settings, partner.id, {"city": "Which?", "phone": "Whose?"})
    assert refused.value.field == "note_city"
    assert DetailQuery.select().count() == 1


def test_only_details_can_be_asked_about(cast, acting, settings, clock):
    partner = applicant(clock.now())
    with pytest.raises(NotFound):
        verification.query(acting(cast.oscar), settings, partner.id, {"state": "make it active"})


def test_an_answer_is_marked_with_the_value_before_and_after(cast, acting, settings, clock):
    partner = applicant(clock.now())
    (row,) = verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"})
    answered(row, "Graz", clock.advance(hours=2))
    city = next(d for d in verification.details(Partner.get_by_id(partner.id)) if d.field == "city")
    assert (city.mark, city.value, city.query.value_before, city.query.value_after) == (
        "answered",
        "Graz",
        "Wien",
        "Graz",
    )


def test_approval_makes_the_partner_active_and_tells_its_administrator(cast, acting, settings, clock):
    partner = applicant(clock.now(), locale="de")
    seen = verification.fingerprint(partner)
    verification.approve(acting(cast.olga), settings, partner.id, seen, rest=True)
    stored = Partner.get_by_id(partner.id)
    assert (stored.state, stored.decided_at) == ("active", clock.now())
    assert Mail.get().template == "application_approved"
    assert set(marks(partner).values()) == {"accepted"}


def test_only_active_administrators_are_told(cast, acting, settings, clock):
    partner = applicant(clock.now())
    Member.update(active=False).where(Member.partner == partner).execute()
    verification.approve(acting(cast.olga), settings, partner.id, rest=True)
    assert not Mail.select().exists()


def test_a_detail_that_differs_from_what_was_approved_is_marked(cast, acting, settings, clock):
    partner = applicant(clock.now())
    verification.approve(acting(cast.olga), settings, partner.id, rest=True)
    Partner.update(city="Graz").where(Partner.id == partner.id).execute()
    city = next(d for d in verification.details(Partner.get_by_id(partner.id)) if d.field == "city")
    assert (city.mark, city.value, city.earlier_value) == ("changed", "Graz", "Wien")


def test_a_detail_that_was_changed_beside_an_answer_is_marked_too(cast, acting, settings, clock):
    partner = applicant(clock.now(), country="DE", vat_id="DE136695976", register_number="HRB 1001 B", postcode="10115")
    dana = Member.get(Member.partner == partner)
    verification.query(acting(cast.oscar), settings, partner.id, {"vat_id": "Whose is it?"})
    given = {"vat_id": "DE111111125", "register_number": "HRB 4242 B"}
    applications.answer(acting(dana), dana, given, {})
    assert Partner.get_by_id(partner.id).state == "applied"
    assert marks(partner) | {"vat_id": "answered", "register_number": "changed", "city": "open"} == marks(partner)


def test_a_partner_that_was_active_before_the_trail_began_counts_as_accepted(cast):
    assert set(marks(cast.northwind).values()) == {"accepted"}


def test_the_reason_of_a_refusal_stays_with_the_provider(cast, acting, settings, clock):
    partner = applicant(clock.now())
    verification.refuse(acting(cast.olga), settings, partner.id, "Known for XYZZY.")
    stored = Partner.get_by_id(partner.id)
    assert (stored.state, stored.decision_note, stored.decided_at) == ("refused", "Known for XYZZY.", clock.now())
    mail = Mail.get()
    assert mail.template == "application_refused"
    assert "XYZZY" not in mail.subject + mail.text + mail.html
    assert "XYZZY" not in str([(event.before, event.after) for event in AuditEvent.select()])


def test_a_refusal_needs_a_reason(cast, acting, settings, clock):
    partner = applicant(clock.now())
    with pytest.raises(DecisionRefused) as refused:
        verification.refuse(acting(cast.olga), settings, partner.id, "  ")
    assert refused.value.field == "reason"


@pytest.mark.parametrize("state", ["draft", "active", "suspended", "closing", "closed", "refused", "barred"])
def test_only_undecided_applications_are_decided(cast, acting, settings, clock, state):
    partner = applicant(clock.now(), state=state)
    acts = (
        lambda: verification.approve(acting(cast.olga), settings, partner.id, rest=True),
        lambda: verification.refuse(acting(cast.olga), settings, partner.id, "no"),
        lambda: verification.query(acting(cast.olga), settings, partner.id, {"city": "?"}),
    )
    for act in acts:
        with pytest.raises(DecisionRefused):
            act()
    assert Partner.get_by_id(partner.id).state == state


def test_the_second_operator_is_told_who_was_first(cast, acting, settings, clock):
    partner = applicant(clock.now())
    verification.approve(acting(cast.olga), settings, partner.id, rest=True)
    with pytest.raises(DecisionRefused) as refused:
        verification.refuse(acting(cast.oscar), settings, partner.id, "no")
    assert refused.value.values == {"who": "Olga Olsen", "decided_at": clock.now()}
    assert "approved" in refused.value.text


def test_a_decision_about_something_else_than_what_stands_is_refused(cast, acting, settings, clock):
    partner = applicant(clock.now())
    seen = verification.fingerprint(partner)
    (row,) = verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"}, seen)
    asked = verification.fingerprint(Partner.get_by_id(partner.id))
    answered(row, "Graz", clock.now())
    for old in (seen, asked):
        with pytest.raises(DecisionRefused) as refused:
            verification.approve(acting(cast.olga), settings, partner.id, old, rest=True)
        assert "changed since" in refused.value.text
    verification.approve(
        acting(cast.olga), settings, partner.id, verification.fingerprint(Partner.get_by_id(partner.id)), rest=True
    )


def test_of_two_operators_at_the_same_moment_one_decides(cast, acting, settings, clock):
    partner = applicant(clock.now())
    start, outcomes = threading.Barrier(2), []

    def decide(person, what):
        start.wait()
        with database.connection_context():
            try:
                what(acting(person), settings, partner.id)
                outcomes.append("done")
            except DecisionRefused as refused:
                outcomes.append(refused.values["who"])

    both = (
        threading.Thread(target=decide, args=(cast.olga, verification.approve)),
        threading.Thread(target=decide, args=(cast.oscar, lambda act, s, i: verification.refuse(act, s, i, "no"))),
    )
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert outcomes.count("done") == 1
    assert {"Olga Olsen", "Oscar Otto"} & set(outcomes)
    assert Mail.select().count() == 1


def test_an_unknown_partner_is_not_found(cast, acting, settings):
    with pytest.raises(NotFound):
        verification.approve(acting(cast.olga), settings, 999_999, rest=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Аcme GmbH", "mixes letters"),
        ("АСМЕ Handel", "looks Latin"),
        ("Acme\u202eHbmG", "cannot be seen"),
        ("Nοrthwind", "mixes letters"),
    ],
)
def test_names_that_could_deceive_are_pointed_out(cast, clock, name, words):
    partner = applicant(clock.now(), name=name)
    assert any(words in warning.text for warning in look_alikes.warnings(partner))


@pytest.mark.parametrize(
    "name", ["Müller & Søn ApS", "Ромашка ООО", "株式会社ミライ Storage", "Ελλάς Α.Ε.", "IT-Haus 24 e.V."]
)
def test_honest_names_are_not_suspected(cast, clock, name):
    partner = applicant(clock.now(), name=name)
    assert look_alikes.warnings(partner) == []


@pytest.mark.parametrize(
    "name",
    ["Northwind Traders Ltd", "NORTHW1ND Traders", "Nörthwind-Traders", "Northwind Tradres", "Nоrthwind Traders GmbH"],
)
def test_a_name_close_to_another_partners_is_pointed_out(cast, clock, name):
    partner = applicant(clock.now(), name=name)
    assert any(cast.northwind in warning.partners for warning in look_alikes.warnings(partner))


def test_the_numbers_of_another_partner_are_pointed_out(cast, clock):
    partner = applicant(clock.now(), vat_id=cast.northwind.vat_id)
    (warned,) = look_alikes.warnings(partner)
    assert "VAT number" in warned.text
    assert cast.northwind in warned.partners


def test_many_partners_with_the_same_number_are_counted_and_few_are_named(cast, clock):
    many = [applicant(clock.now(), name=f"Firma {'abcdefghij'[number] * 8}") for number in range(8)]
    vat, register = look_alikes.warnings(many[0])
    assert (len(vat.partners), vat.more, len(register.partners), register.more) == (5, 2, 5, 2)


def test_a_register_number_of_another_country_is_no_doubt(cast, clock):
    partner = applicant(clock.now(), country="AT", register_number=cast.northwind.register_number)
    assert look_alikes.warnings(partner) == []
