"""Operators change the terms of a contract: another end (a renewal), capacity, notice, prices (T14, T19)."""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal

from peewee import fn

from models.base import locked, write_tx
from models.closure import Closure
from models.contract import Contract
from models.partner import Partner
from models.sub_account import SubAccount
from services import closing, closing_back, contracts, contracts_access
from services.audit import Act, record
from services.clock import local_day, midnight
from services.contracts import ContractRefused
from services.refusal import N_, NotFound
from services.settings import Settings
from services.verification import tell_admins

LONGEST_REASON = 1000
AT_ONCE = 50  # sub-accounts that follow before the page answers; the worker takes the others


@dataclass(frozen=True)
class Edit:
    """What can be changed later; units as in contracts.ContractTerms."""

    reserved_bytes: int
    allow_overdraft: bool
    price_cents: Decimal
    excess_price_cents: Decimal
    egress_price_cents: Decimal
    ends_on: date | None
    notice_days: int


def known(number: str) -> Contract:
    """The contract of that number, whoever's it is: for operators alone. Raises NotFound."""
    contract = Contract.get_or_none(Contract.number == number)
    if contract is None:
        raise NotFound()
    return contract


def edit_of(contract: Contract) -> Edit:
    return Edit(**{field.name: getattr(contract, field.name) for field in fields(Edit)})


def change(act: Act, settings: Settings, number: str, wanted: Edit, reason: str, seen_version: int) -> Contract:
    """Changes a contract and tells the partner's administrators. With a new last day it runs, or runs again: what was
    barred because it was over is let in, and its closure ends.

    Raises NotFound, and ContractRefused with the field that it concerns: for what breaks a rule, when the contract was
    changed since it was looked at, and when nothing is different."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise ContractRefused(N_("Write down why, in at most %(most)s characters."), "reason", most=LONGEST_REASON)
    with write_tx():
        contract = Contract.locked(known(number).id)
        partner = locked(Partner.select().where(Partner.id == contract.partner_id)).get()
        if contract.version != seen_version:
            raise ContractRefused(
                N_("This contract changed since you opened the page. Look at it as it is now, then change it.")
            )
        before = edit_of(contract)
        if wanted == before:
            raise ContractRefused(N_("Nothing is different from what is saved already."))
        today = local_day(act.at, settings.provider.time_zone)
        _refuse(partner, contract, wanted, today)
        state = contract.state
        _write(contract, wanted, today)
        changed = {name: value for name, value in vars(wanted).items() if value != getattr(before, name)}
        was = {name: getattr(before, name) for name in changed} | {"state": state}
        after = changed | {"state": contract.state, "reason": reason.strip()}
        record(act, "contract.changed", contract, partner=partner, before=was, after=after)
        if state in contracts_access.OVER and contract.state not in contracts_access.OVER:
            _revive(act, contract, partner)
        tell_admins(act, settings, partner, "contract_changed", "/home", contract=contract, reason=reason.strip())
    contracts_access.follow_contracts(act, contract, AT_ONCE)
    return contract


def terminate(act: Act, settings: Settings, number: str, last_on: date, reason: str) -> Closure:
    """Announces that a contract ends with `last_on`; its closure follows. Raises NotFound and ContractRefused with the
    field that it concerns. One that ends already is returned as it stands."""
    if not reason.strip():
        raise ContractRefused(N_("Write down why. The partner reads it."), "reason")
    contract = known(number)
    today = local_day(act.at, settings.provider.time_zone)
    if contract.state in contracts_access.OVER:
        raise ContractRefused(N_("This contract is over already."))
    if last_on < today or (contract.ends_on is not None and last_on > contract.ends_on):
        latest = contract.ends_on or date.max
        raise ContractRefused(
            N_("Choose a day from today to the last day of the contract, %(latest_on)s.")
            if contract.ends_on
            else N_("Choose today or a later day."),
            "last_on",
            latest_on=latest,
        )
    return closing.begin(
        act, settings, contract.partner, reason=reason, asked_by=f"{act.kind}:{act.actor_id}", contract=contract,
        notice_until_at=midnight(last_on + timedelta(days=1), settings.provider.time_zone),
    )  # fmt: skip


def _write(contract: Contract, wanted: Edit, today: date) -> None:
    """Only another last day lets a contract that is over run again: what was ended stays so whatever else changes."""
    another_end = wanted.ends_on != contract.ends_on
    for name, value in vars(wanted).items():
        setattr(contract, name, value)
    contract.version += 1
    if another_end:
        contract.state = contracts.state_on(today, contract)
    contract.save(only=[*vars(wanted), "version", "state"])


def _revive(act: Act, contract: Contract, partner: Partner) -> None:
    """It runs again, or will: its own closure has nothing to end any more."""
    standing = closing.open_for(partner, contract)
    if standing is not None:
        closing_back.end_withdrawn(act, Closure.locked(standing.id), partner)


def _refuse(partner: Partner, contract: Contract, wanted: Edit, today: date) -> None:
    contracts.refuse_prices(wanted, contract.currency)
    contracts.refuse_capacity(contract.kind, wanted.reserved_bytes)
    contracts.refuse_notice(wanted.notice_days)
    _refuse_end(partner, contract, wanted, today)
    _refuse_room(contract, wanted)


def _refuse_end(partner: Partner, contract: Contract, wanted: Edit, today: date) -> None:
    if wanted.ends_on == contract.ends_on:
        return
    if wanted.ends_on is not None and wanted.ends_on < max(today, contract.starts_on):
        raise ContractRefused(
            N_("Choose a day from %(first_on)s on, or end the contract."), "ends_on",
            first_on=max(today, contract.starts_on),
        )  # fmt: skip
    if partner.state not in ("active", "suspended"):
        raise ContractRefused(N_("This partner is leaving or gone. Take the closure back first."), "ends_on")
    if contract.state == "active" and wanted.ends_on is not None and wanted.ends_on < (contract.ends_on or date.max):
        raise ContractRefused(N_("An earlier last day has to be announced: end the contract."), "ends_on")
    standing = closing.open_for(partner, contract)
    if standing is not None and standing.state in ("notice", "purging"):
        raise ContractRefused(
            N_("The end of this contract is announced. Take that back first.")
            if standing.state == "notice"
            else N_("The data of this contract are being removed. It cannot be renewed."),
            "ends_on",
        )


def _refuse_room(contract: Contract, wanted: Edit) -> None:
    """Downward only as far as nothing is set aside, and the storage service has let go (capacity rules 1 and 6)."""
    if contract.kind != "reserved" or wanted.allow_overdraft:
        return
    if wanted.reserved_bytes < contract.allocated_bytes:
        raise ContractRefused(
            N_("%(allocated_bytes)s are set aside for sub-accounts. Enter at least that."),
            "reserved_bytes",
            allocated_bytes=contract.allocated_bytes,
        )
    held = SubAccount.select(fn.COALESCE(fn.SUM(SubAccount.observed_quota_bytes), 0))
    held_bytes = int(held.where(SubAccount.contract == contract).scalar())
    if wanted.reserved_bytes < held_bytes:
        raise ContractRefused(
            N_("The storage service still holds %(held_bytes)s for sub-accounts. Try again when it has followed."),
            "reserved_bytes",
            held_bytes=held_bytes,
        )
