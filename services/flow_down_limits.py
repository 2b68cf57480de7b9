"""How many mails with links for agreements go out in a day: to one address, whoever sends them, and of one partner.

Counted in the database in the transaction that makes the links, reminders too. A day begins with its first mail and
ends 24 hours later. The counters say nothing about whom somebody wrote to: they are named by digests.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import Case, fn

from models.flow_down import FlowDownLink
from models.session import Attempt
from models.sub_account import SubAccount
from services import policy
from services.audit import Act
from services.flow_down import FlowDownRefused
from services.people import email_key
from services.refusal import N_

DAY = timedelta(days=1)


def refuse_full(act: Act, partner_id: int, email: str) -> None:
    """Counts one mail of the partner to this address. Raises FlowDownRefused, with the field of the form in which the
    way is chosen, when the day of one of them is full; nothing is counted then."""
    rules = policy.current()
    held = _held(act, [_of_partner(partner_id), _of_address(email)])
    if _count(act, held, partner_id, [email], rules) == [True]:
        return
    if held[_of_partner(partner_id)].failures >= rules.flow_down_partner_mails:
        raise FlowDownRefused(
            N_("Your company has sent %(most)s links within a day. The next one can be sent on %(next_at)s."),
            "way",
            most=rules.flow_down_partner_mails,
            next_at=held[_of_partner(partner_id)].window_until,
        )
    raise FlowDownRefused(
        N_("As many links as one day allows went to %(address)s. The next one can be sent on %(next_at)s."),
        "contact_email",
        address=email,
        next_at=held[_of_address(email)].window_until,
    )


def take(act: Act, partner_id: int, emails: Sequence[str]) -> list[bool]:
    """Counts a mail of the partner to each of the addresses as long as there is room, in this order; says for each
    whether it may go. Call it inside the transaction that makes the links, once, after the sub-accounts are locked: the
    counters stay locked until it ends, so that two at once count two."""
    held = _held(act, [_of_partner(partner_id), *map(_of_address, emails)])
    return _count(act, held, partner_id, emails, policy.current())


def open_for_mail(at: datetime):
    """The condition of sub-accounts, joined to their links, whose partner and contact's address are not full by the
    links of the last day: who waits for room does not stand in the way of others."""
    rules, other, account = policy.current(), FlowDownLink.alias(), SubAccount.alias()
    lately = other.created_at > at - DAY
    address, partner = fn.LOWER(other.email), account.partner
    addresses = other.select(address).where(lately).group_by(address)
    partners = other.select(partner).join(account).where(lately).group_by(partner)
    return fn.LOWER(FlowDownLink.email).not_in(
        addresses.having(fn.COUNT(other.id) >= rules.flow_down_address_mails)
    ) & SubAccount.partner.not_in(partners.having(fn.COUNT(other.id) >= rules.flow_down_partner_mails))


def _count(
    act: Act, held: dict[str, Attempt], partner_id: int, emails: Sequence[str], rules: policy.Policy
) -> list[bool]:
    of_all, may_go = held[_of_partner(partner_id)], []
    for email in emails:
        own = held[_of_address(email)]
        room = own.failures < rules.flow_down_address_mails and of_all.failures < rules.flow_down_partner_mails
        own.failures, of_all.failures = own.failures + room, of_all.failures + room
        may_go.append(room)
    rows = [{"subject": row.subject, "failures": row.failures, "window_until": act.at + DAY} for row in held.values()]
    kept = Attempt.insert_many(rows)
    kept.on_conflict(conflict_target=[Attempt.subject], preserve=[Attempt.failures]).execute()
    return may_go


def _held(act: Act, subjects: Sequence[str]) -> dict[str, Attempt]:
    """The counters, made where they are missing and begun anew where their day is over. The statement locks each row,
    in the order of the names, as everybody locks several."""
    names, over = sorted(set(subjects)), Attempt.window_until <= act.at
    (
        Attempt.insert_many([{"subject": name, "failures": 0, "window_until": act.at + DAY} for name in names])
        .on_conflict(
            conflict_target=[Attempt.subject],
            update={
                Attempt.failures: Case(None, [(over, 0)], Attempt.failures),
                Attempt.window_until: Case(None, [(over, act.at + DAY)], Attempt.window_until),
            },
        )
        .execute()
    )
    return {row.subject: row for row in Attempt.select().where(Attempt.subject.in_(names)).order_by(Attempt.subject)}


def _of_partner(partner_id: int) -> str:
    return f"flow_down_partner:{partner_id}"


def _of_address(email: str) -> str:
    return f"flow_down_address:{hashlib.sha256(email_key(email).encode()).hexdigest()}"
