"""Suspend, reinstate, terminate, bar: what operators do about a partner, and what stays as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.closure import Closure
from models.contract import Contract
from models.outbox import Mail
from models.partner import Partner
from models.session import Session
from models.sub_account import SubAccount
from models.verification import BarredKey, Measure
from services import barred, desk, log_in, measures, own_data_lists, sessions, standing, sub_account_life, verification
from services.desk import DecisionRefused
from services.measures import Wanted
from services.refusal import NotFound
from services.secret import Secret
from services.verification_sweep import sweep
from tests.applicants import applicant, sub_account

WHY = Wanted("unpaid", "Three invoices are open.")


def northwind(cast) -> Partner:
    return Partner.get_by_id(cast.northwind.id)


@pytest.fixture
def suspended(cast, acting, settings):
    return lambda **more: measures.suspend(
        acting(cast.olga), settings, cast.northwind.id, Wanted("unpaid", "Three invoices are open.", **more)
    )


@pytest.fixture
def accounts(cast, clock) -> list[SubAccount]:
    return [
        sub_account(
            cast.contract, cast.region, clock.now(), f"10000000000{place}", phase="ready", observed_generation=1
        )
        for place in range(3)
    ]


def wanted_states(cast) -> list[str]:
    rows = SubAccount.select().where(SubAccount.partner == cast.northwind).order_by(SubAccount.id)
    return [row.wanted_state for row in rows]


@pytest.mark.parametrize("level", ["read", "application"])
def test_a_suspension_leaves_what_was_chosen_and_tells_why(cast, suspended, clock, level):
    suspended(level=level)
    assert standing.of(northwind(cast), clock.now()) == standing.Standing(level, "suspended")
    mail = Mail.get(Mail.template == "partner_suspended")
    assert "Invoices are not paid" in mail.text
    assert "Three invoices are open." in mail.text
    assert "access to their data goes on" in mail.text
    event = AuditEvent.get(AuditEvent.action == "partner.suspended")
    assert (event.before, event.after["reason"], event.after["level"]) == ({"state": "active"}, "unpaid", level)


def test_customers_go_on_unless_it_is_chosen_otherwise(cast, suspended, accounts, acting):
    suspended()
    assert measures.follow(acting()) == 0
    assert wanted_states(cast) == ["active"] * 3


def test_storage_follows_and_comes_back_but_not_what_the_partner_had_paused(
    cast, suspended, accounts, acting, settings
):
    sub_account_life.suspend(acting(cast.alice), cast.northwind, accounts[1].number)
    suspended(storage=True)
    assert measures.follow(acting()) == 3
    assert wanted_states(cast) == ["suspended"] * 3
    assert measures.follow(acting()) == 0
    measures.reinstate(acting(cast.olga), settings, cast.northwind.id, "Paid.")
    assert measures.follow(acting()) == 3
    assert wanted_states(cast) == ["active", "suspended", "active"]
    assert SubAccount.get_by_id(accounts[1].id).suspended_by == "Alice Adler"


def test_other_partners_customers_are_not_touched(cast, suspended, accounts, acting, clock):
    other = sub_account(cast.other_contract, cast.region, clock.now(), "200000000001")
    suspended(storage=True)
    measures.follow(acting())
    assert SubAccount.get_by_id(other.id).wanted_state == "active"


def test_nothing_resumes_while_the_suspension_holds_it(cast, suspended, accounts, acting):
    suspended(storage=True)
    measures.follow(acting())
    with pytest.raises(sub_account_life.LifeRefused) as refused:
        sub_account_life.resume(acting(cast.alice), cast.northwind, accounts[0].number)
    assert "suspended at present" in refused.value.text


def test_what_ended_its_contract_meanwhile_does_not_come_back(cast, suspended, accounts, acting, settings):
    suspended(storage=True)
    measures.follow(acting())
    Contract.update(state="expired").where(Contract.id == cast.contract.id).execute()
    measures.reinstate(acting(cast.olga), settings, cast.northwind.id, "Paid.")
    measures.follow(acting())
    assert wanted_states(cast) == ["suspended"] * 3


@pytest.mark.parametrize(
    ("wanted", "field"),
    [(Wanted("", "Text."), "reason"), (Wanted("unpaid", " "), "note"), (Wanted("mood", "x"), "reason")],
)
def test_a_measure_needs_a_reason_from_the_list_and_words(cast, acting, settings, wanted, field):
    with pytest.raises(DecisionRefused) as refused:
        measures.suspend(acting(cast.olga), settings, cast.northwind.id, wanted)
    assert refused.value.field == field
    assert northwind(cast).state == "active"


def test_two_operators_at_once_the_second_is_told(cast, acting, settings):
    seen = desk.fingerprint(northwind(cast))
    measures.suspend(acting(cast.olga), settings, cast.northwind.id, WHY, seen)
    with pytest.raises(DecisionRefused):
        measures.suspend(acting(cast.oscar), settings, cast.northwind.id, WHY, seen)
    with pytest.raises(DecisionRefused):
        measures.ask_termination(acting(cast.oscar), cast.northwind.id, WHY, seen)
    assert Measure.select().count() == 1


def test_an_unknown_partner_is_not_found(cast, acting, settings):
    with pytest.raises(NotFound):
        measures.suspend(acting(cast.olga), settings, 999_999, WHY)


def test_a_termination_needs_a_second_operator(cast, acting, settings):
    measures.ask_termination(acting(cast.olga), cast.northwind.id, WHY)
    assert not Mail.select().exists()
    assert not Closure.select().exists()
    with pytest.raises(DecisionRefused) as refused:
        measures.confirm_termination(acting(cast.olga), settings, cast.northwind.id)
    assert "yourself" in refused.value.text
    measures.confirm_termination(acting(cast.oscar), settings, cast.northwind.id)
    closure = Closure.get()
    assert (closure.partner_id, closure.reason, closure.cause) == (cast.northwind.id, WHY.note, "terminated")
    row = Measure.get()
    assert (row.asked_name, row.confirmed_name) == ("Olga Olsen", "Oscar Otto")
    assert measures.waiting() == []
    with pytest.raises(DecisionRefused):
        measures.confirm_termination(acting(cast.oscar), settings, cast.northwind.id)


def test_a_termination_can_be_taken_back_and_asked_for_again(cast, acting, settings):
    measures.ask_termination(acting(cast.olga), cast.northwind.id, WHY)
    with pytest.raises(DecisionRefused):
        measures.ask_termination(acting(cast.oscar), cast.northwind.id, WHY)
    measures.withdraw_termination(acting(cast.oscar), cast.northwind.id)
    assert northwind(cast).state == "active"
    measures.ask_termination(acting(cast.oscar), cast.northwind.id, WHY)
    assert [row.asked_name for row in measures.waiting()] == ["Oscar Otto"]


def test_who_still_has_customers_here_is_not_barred(cast, acting, settings, accounts):
    with pytest.raises(DecisionRefused) as refused:
        measures.bar(acting(cast.olga), settings, cast.northwind.id, WHY)
    assert "Terminate it first" in refused.value.text


@pytest.fixture
def outcast(cast, acting, settings, clock) -> Partner:
    """A company that is barred after its application was refused."""
    partner = applicant(clock.now(), "Tailspin Toys AG")
    verification.refuse(acting(cast.olga), settings, partner.id, "Letters came back.")
    member = partner.members.get()
    sessions.begin(acting(member), member, settings)
    return measures.bar(acting(cast.olga), settings, partner.id, Wanted("false_details", "You lied to us."))


def test_nobody_of_a_barred_company_signs_in(cast, acting, settings, outcast):
    member = outcast.members.get()
    assert not Session.select().where(Session.member == member, Session.ended_at.is_null()).exists()
    with pytest.raises(log_in.AccessEnded):
        log_in.check(acting(), settings, member.email, cast.password)
    assert sessions.recognise(sessions.begin(acting(member), member, settings), acting().at, settings) is None
    assert "You lied to us." in Mail.get(Mail.template == "partner_barred").text


SAME = {
    "register": {"register_number": "hrb-4711", "vat_id": ""},
    "vat": {"register_number": "FN 99", "vat_id": "ATU12345675"},
}
OTHER = {"register_number": "FN 99", "vat_id": ""}


@pytest.mark.parametrize("kind", SAME)
def test_a_barred_company_is_known_by_each_of_its_numbers(cast, outcast, clock, kind):
    again = applicant(clock.now(), "Quite Another Name GmbH", **SAME[kind])
    assert barred.matches(again, barred.SURE) == [outcast]


@pytest.mark.parametrize(
    "details", [OTHER, {**OTHER, "register_number": "HRB 4711", "country": "DE"}, {**OTHER, "city": "Graz"}]
)
def test_others_are_not_taken_for_it(cast, outcast, clock, details):
    """The same number elsewhere, the same town, the same mail provider: that is somebody else."""
    assert barred.matches(applicant(clock.now(), "Wingtip Oy", **details)) == []


def test_a_name_that_looks_the_same_is_a_hint_and_refuses_nobody(cast, outcast, clock, acting, settings):
    twin = applicant(clock.now(), "TAILSPIN Toys GmbH", **OTHER)
    assert barred.matches(twin, barred.SURE) == []
    assert barred.matches(twin) == [outcast]
    clock.advance(days=3)
    sweep(acting(), settings)
    assert Partner.get_by_id(twin.id).state == "applied"


def test_its_new_application_is_refused_in_its_own_time_with_everybodys_mail(cast, outcast, acting, settings, clock):
    again = applicant(clock.now(), "Quite Another Name GmbH", **SAME["vat"])
    other = applicant(clock.now(), "Wingtip Oy", **OTHER)
    Partner.update(applied_at=clock.now()).where(Partner.id.in_([again.id, other.id])).execute()
    due_at = barred.answer_at(settings, Partner.get_by_id(again.id))
    clock.advance(seconds=(due_at - clock.now()).total_seconds() - 1)
    sweep(acting(), settings)
    assert Partner.get_by_id(again.id).state == "applied"
    clock.advance(seconds=1)
    sweep(acting(), settings)
    assert Partner.get_by_id(again.id).state == "refused"
    assert Partner.get_by_id(other.id).state == "applied"
    verification.refuse(acting(cast.olga), settings, other.id, "Letters came back.")
    ours, theirs = (
        Mail.get(Mail.template == "application_refused", Mail.recipient == row.members.get().email)
        for row in (again, other)
    )
    assert ours.subject == theirs.subject
    assert ours.text.replace(again.legal_name, "") == theirs.text.replace(other.legal_name, "")


def test_nobody_outside_can_tell_when_it_is_refused(cast, settings, clock):
    """Spread over 40 hours, alike in every round, and another portal has other times."""
    partners = [Partner(id=number, applied_at=clock.now()) for number in range(1, 201)]
    times = [barred.answer_at(settings, partner) - clock.now() for partner in partners]
    assert timedelta(hours=20) <= min(times) < timedelta(hours=22) and timedelta(hours=58) < max(times)
    assert max(times) < timedelta(hours=60) and len({time // timedelta(minutes=1) for time in times}) > 150
    assert times == [barred.answer_at(settings, partner) - clock.now() for partner in partners]
    other = replace(settings, secret_key=Secret("another key of another portal, long enough"))
    assert times != [barred.answer_at(other, partner) - clock.now() for partner in partners]


def test_the_record_of_such_a_refusal_is_that_of_the_desk(cast, outcast, acting, settings, clock):
    again = applicant(clock.now(), "Quite Another Name GmbH", **SAME["vat"])
    other = applicant(clock.now(), "Wingtip Oy", **OTHER)
    clock.advance(hours=60)
    sweep(acting(), settings)
    verification.refuse(acting(cast.olga), settings, other.id, "Letters came back.")
    ours, theirs = (
        [
            (row["action"], row["at"], row["before"], row["after"], row["actor_kind"], row["actor_name"], row["source"])
            for row in next(own for own in own_data_lists.every() if own.name == "trail").rows(partner.id)
        ]
        for partner in (again, other)
    )
    assert ours == theirs and ours[-1][0] == "partner.refused"


def test_it_cannot_be_approved_and_the_operator_reads_why(cast, outcast, acting, settings, clock):
    again = applicant(clock.now(), "Quite Another Name GmbH", **SAME["vat"])
    with pytest.raises(DecisionRefused) as refused:
        verification.approve(acting(cast.olga), settings, again.id, rest=True)
    assert "barred" in refused.value.text
    assert Partner.get_by_id(again.id).state == "applied"


def test_a_bar_that_is_lifted_is_forgotten(cast, outcast, acting, settings, clock):
    measures.lift_bar(acting(cast.olga), outcast.id, "A mistake of ours.")
    assert not BarredKey.select().exists()
    assert Partner.get_by_id(outcast.id).state == "refused"
    again = applicant(clock.now(), "Tailspin Toys AG", **SAME["vat"])
    verification.approve(acting(cast.olga), settings, again.id, rest=True)
    assert Partner.get_by_id(again.id).state == "active"


def test_what_a_barred_company_is_known_by_is_kept_as_digests_only(cast, outcast):
    kept = " ".join(row.key_hash for row in BarredKey.select())
    assert "4711" not in kept
    assert "tailspin" not in kept
    assert {row.kind for row in BarredKey.select()} == {"register", "vat", "mail", "name"}
