"""Lost factors: somebody else asks for their removal, and nothing happens for a day.

A person without phone, passkey and recovery codes asks an administrator of the own company; for the last administrator
two operators agree, for an operator another owner asks. The person is told at once by mail, and says no by the link in
it or by signing in with the factor. When the day is over the factors go, and a new password is chosen over a link.
"""

from datetime import datetime, timedelta
from typing import Any

from models.base import locked, write_tx
from models.operator import Operator
from models.partner import Member
from models.second_factor import FactorReset
from services import access_period, links, people, second_factor, sessions
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

HOURS = 24
LONGEST_REASON = 500
LINK = "keep_factor"
LINK_PATH = "/security/keep/"


class ResetRefused(Refusal):
    """No reset was begun; the sentence says why."""


def ask(act: Act, settings: Settings, asker: Member | Operator, person: Member | Operator, reason: str) -> FactorReset:
    """Begins the reset. It counts from now, for the last administrator of a partner once a second operator agreed.

    An administrator asks for the own partner's people, an operator for the last administrator, an owner for operators;
    anything else is NotFound. Raises ResetRefused."""
    _refuse_others(act, settings, asker, person)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise ResetRefused(
            N_("Say in at most %(most)s characters how you know that it is this person."), "reason", most=LONGEST_REASON
        )
    two = isinstance(asker, Operator) and isinstance(person, Member)
    with write_tx():
        person = people.locked_afresh(person)
        if not second_factor.has(person):
            raise ResetRefused(N_("This person has no second factor."))
        if open_for(person) is not None:
            raise ResetRefused(N_("This was asked for already."))
        row = FactorReset.create(
            **people.owner(person), reason=reason, asked_at=act.at, asked_by=people.id_of(asker), asked_name=asker.name,
            needs_two=two, effective_at=None if two else act.at + timedelta(hours=HOURS),
        )  # fmt: skip
        record(act, "factor_reset.asked", row, partner=people.partner_id_of(person))
        if not two:
            _tell(act, settings, row, person)
    return row


def second(act: Act, settings: Settings, operator: Operator, reset_id: int) -> None:
    """Another operator agrees: from now on the day counts. Raises NotFound, ResetRefused."""
    with write_tx():
        row = locked(FactorReset.select().where(FactorReset.id == reset_id)).get_or_none()
        if row is None or not row.needs_two or row.effective_at or row.cancelled_at:
            raise NotFound
        if row.asked_by == people.id_of(operator):
            raise ResetRefused(N_("Somebody else has to agree: it was you who asked."))
        row.seconded_by, row.seconded_name = people.id_of(operator), operator.name
        row.effective_at = act.at + timedelta(hours=HOURS)
        row.save(only=["seconded_by", "seconded_name", "effective_at"])
        person = person_of(row)
        record(act, "factor_reset.seconded", row, partner=people.partner_id_of(person))
        _tell(act, settings, row, person)


def cancel(act: Act, person: Member | Operator, how: str) -> bool:
    """The factors stay; whether there was something to cancel. `how`: link, log-in, withdrawn. Joins the caller's
    transaction."""
    with write_tx():
        row = open_for(person)
        if row is None or not FactorReset.update(cancelled_at=act.at).where(_still(row)).execute():
            return False
        links.cancel(act, LINK, person)
        by, partner_id = people.acting(act, person), people.partner_id_of(person)
        record(by, "factor_reset.cancelled", row, partner=partner_id, after={"how": how})
    return True


def keep_by_link(act: Act, token: str) -> None:
    """The person says no by the link of the mail. Raises NotFound, LinkUsed, LinkExpired."""
    with write_tx():
        link = links.use(act, LINK, token)
        cancel(act, links.person_of(link), "link")


def sweep(act: Act, settings: Settings) -> list[str]:
    """Takes into effect what is due; a line for each."""
    due = FactorReset.select().where(
        FactorReset.effective_at <= act.at, FactorReset.cancelled_at.is_null(), FactorReset.done_at.is_null()
    )
    return [
        f"second factor of {people.id_of(person_of(row))} removed" for row in due if _take_effect(act, settings, row)
    ]


def settle(act: Act, settings: Settings, person: Member | Operator) -> bool:
    """At log-in: what is due for this person is done now, whenever the worker comes by; whether something was."""
    row = open_for(person)
    if row is None or row.effective_at is None or row.effective_at > act.at:
        return False
    return _take_effect(act, settings, row)


def open_for(person: Member | Operator) -> FactorReset | None:
    return FactorReset.get_or_none(
        people.owned(FactorReset, person), FactorReset.cancelled_at.is_null(), FactorReset.done_at.is_null()
    )


def waiting_for_second() -> list[FactorReset]:
    """What operators asked for and nobody else agreed to yet."""
    return list(
        FactorReset.select(FactorReset, Member)
        .join(Member)
        .where(FactorReset.needs_two, FactorReset.effective_at.is_null(), FactorReset.cancelled_at.is_null())
        .order_by(FactorReset.id)
    )


def person_of(row: FactorReset) -> Member | Operator:
    person: Any = row.member or row.operator
    return person


def is_last_admin(act: Act, settings: Settings, member: Member) -> bool:
    """Whether the partner has no other administrator who could ask for it."""
    others = Member.select().where(
        Member.partner == member.partner_id, Member.id != member.id, Member.role == "admin", Member.active
    )
    return member.role == "admin" and all(access_period.is_over(other, act.at, settings) for other in others)


def _refuse_others(act: Act, settings: Settings, asker: Member | Operator, person: Member | Operator) -> None:
    if isinstance(asker, Member):
        fits = isinstance(person, Member) and person.partner_id == asker.partner_id and asker.role == "admin"
    elif isinstance(person, Member):
        fits = True
    else:
        fits = asker.right == "owner"
    if not fits:
        raise NotFound
    if asker == person:
        raise ResetRefused(N_("Nobody can ask for this for themselves."))
    if isinstance(asker, Operator) and isinstance(person, Member) and not is_last_admin(act, settings, person):
        raise ResetRefused(N_("An administrator of this company can do this. Operators only do it for the last one."))


def _take_effect(act: Act, settings: Settings, row: FactorReset) -> bool:
    with write_tx():
        person = people.locked_afresh(person_of(row))
        if not FactorReset.update(done_at=act.at).where(_still(row), FactorReset.effective_at <= act.at).execute():
            return False
        second_factor.drop_all(act, person)
        sessions.end_all(act, person, "second factor reset")
        _ask_for_password(person, act.at)
        record(act, "factor_reset.done", row, partner=people.partner_id_of(person))
        second_factor.tell(act, settings, person, "factor_reset_done")
    return True


def _ask_for_password(person: Member | Operator, at: datetime) -> None:
    """The old one may be as short as it was allowed beside a factor, and it alone would open everything now."""
    person.password_due_at = at
    person.save(only=["password_due_at"])


def _still(row: FactorReset):
    return (FactorReset.id == row.id) & FactorReset.cancelled_at.is_null() & FactorReset.done_at.is_null()


def _tell(act: Act, settings: Settings, row: FactorReset, person: Member | Operator) -> None:
    token = links.issue(act, LINK, person)
    second_factor.tell_privately(
        act, settings, person, "factor_reset_asked", LINK_PATH + token, asked_name=row.asked_name,
        effective_at=row.effective_at,
    )  # fmt: skip
