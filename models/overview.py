"""The figures of the home page, in few questions."""

from dataclasses import dataclass

from peewee import Case, fn

from models.audit import AuditEvent
from models.contract import Contract
from models.partner import Partner
from models.prepared import Blank, ask
from models.sub_account import SETTLED_PHASES, AccessKey, SubAccount


@dataclass(frozen=True)
class Counts:
    """How many sub-accounts there are, and how many of them want attention."""

    sub_accounts: int
    changing: int
    stuck: int
    nearly_full: int
    full: int


def contracts_of(partner: Partner) -> list[Contract]:
    return ask(_contracts, partner=partner.id)


def counts_of(partner: Partner) -> Counts:
    return Counts(*(int(value) for value in ask(_counts, partner=partner.id)[0]))


def keys_never_shown(partner: Partner) -> int:
    """First keys that are made and wait to be handed over."""
    return ask(_keys_never_shown, partner=partner.id)[0][0]


def latest_events(partner: Partner, most: int) -> list[AuditEvent]:
    return ask(_latest_events, most, partner=partner.id)


def _contracts():
    own = Contract.select().where(Contract.partner == Blank("partner"), Contract.state != "terminated")
    return own.order_by(Contract.starts_on, Contract.id)


def _counts():
    def number_of(condition):
        return fn.COALESCE(fn.SUM(Case(None, [(condition, 1)], 0)), 0)

    limited = (SubAccount.billing == "reserved") & (SubAccount.allocated_bytes > 0)
    # allocations are whole gigabytes: the twentieth is exact and no product can pass 64 bits
    nearly = limited & (SubAccount.used_bytes >= SubAccount.allocated_bytes / 20 * 17)
    full = limited & (SubAccount.used_bytes >= SubAccount.allocated_bytes)
    return (
        SubAccount.select(
            fn.COUNT(SubAccount.id),
            number_of(SubAccount.phase.not_in((*SETTLED_PHASES, "attention"))),
            number_of(SubAccount.phase == "attention"),
            number_of(nearly & ~full),
            number_of(full),
        )
        .where(SubAccount.partner == Blank("partner"), SubAccount.wanted_state != "deleted")
        .tuples()
    )


def _keys_never_shown():
    return (
        AccessKey.select(fn.COUNT(AccessKey.id))
        .join(SubAccount)
        .where(SubAccount.partner == Blank("partner"), AccessKey.phase == "live", AccessKey.revealed_at.is_null())
        .tuples()
    )


def _latest_events(most: int):
    own = AuditEvent.select().where(AuditEvent.partner == Blank("partner"))
    return own.order_by(AuditEvent.id.desc()).limit(most)
