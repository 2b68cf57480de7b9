"""The figures of the home page, in few questions."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True)
class KeyCounts:
    """How many sub-accounts have a first key that was never shown, one that was not replaced yet (the provider has a
    copy of it), and a working key that is old."""

    waiting: int
    first: int
    old: int


def keys_of(partner: Partner, made_before_at: datetime) -> KeyCounts:
    return KeyCounts(*(int(value) for value in ask(_keys, partner=partner.id, made_before_at=made_before_at)[0]))


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


def _keys():
    def accounts_with(condition):
        return fn.COUNT(fn.DISTINCT(Case(None, [(condition, AccessKey.sub_account)], None)))

    first = AccessKey.origin == "initial"
    return (
        AccessKey.select(
            accounts_with(first & AccessKey.revealed_at.is_null()),
            accounts_with(first & AccessKey.revealed_at.is_null(False)),
            accounts_with(AccessKey.created_at < Blank("made_before_at")),
        )
        .join(SubAccount)
        .where(SubAccount.partner == Blank("partner"), SubAccount.wanted_state != "deleted")
        .where(AccessKey.phase == "live", AccessKey.wanted == "active")
        .tuples()
    )


def _latest_events(most: int):
    own = AuditEvent.select().where(AuditEvent.partner == Blank("partner"))
    return own.order_by(AuditEvent.id.desc()).limit(most)
