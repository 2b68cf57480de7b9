"""How much of a contract may be lowered at once (T14; domain.md, rule 7), by what its ledger says of the last days.

A change counts when it leaves the contract with less set aside: by what it takes away in sum, and once for each
sub-account that it lowers. Not counted: what only moves capacity, what was undone, what operators did (an approved
request among it). Closing a sub-account does not count either: its deletion has a waiting time of its own, and the
capacity is free only once everything is gone from the storage service.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from models.base import write_tx
from models.contract import AllocationEntry, Contract
from models.prepared import Blank, ask, ask_one
from services import policy
from services.allocation_ledger import Step
from services.audit import Act, record
from services.capacity import SMALLEST_STEP_BYTES
from services.refusal import N_, NotFound, Refusal

LONGEST_REASON = 500


class FairUseRefused(Refusal):
    """The contract keeps the rules that it has."""


@dataclass(frozen=True)
class Rules:
    """At most so many decreases of one sub-account and so many percent of the reserved bytes within the window."""

    fair_use_window_days: int
    fair_use_decreases: int
    fair_use_percent: int


NAMES = tuple(field.name for field in fields(Rules))


@dataclass(frozen=True)
class Room:
    """What the rules leave now. `lowered_bytes` was taken away within the window, `counts` says how often each
    sub-account (by id) was lowered; `until_at` is when the earliest of it no longer counts, None while nothing does."""

    rules: Rules
    share_bytes: int
    lowered_bytes: int
    counts: Mapping[int, int]
    until_at: datetime | None

    @property
    def left_bytes(self) -> int:
        return max(0, self.share_bytes - self.lowered_bytes)

    def used_up(self, sub_account_id: int) -> bool:
        return self.counts.get(sub_account_id, 0) >= self.rules.fair_use_decreases


class BeyondFairUse(Refusal):
    """The change is for an operator to decide: more is lowered than the rules leave, or a sub-account too often."""


def rules_of(contract: Contract) -> Rules:
    """The contract's own rules where it has them, else the provider's. One query."""
    general = policy.current()
    own = {name: getattr(contract, name) for name in NAMES}
    return Rules(**{name: getattr(general, name) if value is None else value for name, value in own.items()})


def room(contract: Contract, at: datetime, sub_accounts: Collection[int] = ()) -> Room | None:
    """What may be lowered now; `counts` only of these sub-accounts (ids). None for a contract without a package.
    Two queries, three with sub-accounts. Holds until the contract's lock is given up."""
    if contract.kind != "reserved":
        return None
    rules = rules_of(contract)
    since = {"contract": contract.id, "since": at - timedelta(days=rules.fair_use_window_days)}
    grown_bytes, first_at = ask(_lowered, **since)[0]
    share = contract.reserved_bytes * rules.fair_use_percent // 100
    return Room(
        rules,
        share_bytes=share - share % SMALLEST_STEP_BYTES,
        lowered_bytes=-int(grown_bytes or 0),
        counts=_counts(since, sub_accounts) if sub_accounts else {},
        until_at=_moment(first_at) + timedelta(days=rules.fair_use_window_days) if first_at else None,
    )


def refuse_beyond(contract: Contract, steps: Iterable[Step], at: datetime) -> None:
    """Raises BeyondFairUse when these steps lower more than is left, or a sub-account more often. Call with the
    contract locked: then nobody else can use the same room."""
    steps = list(steps)
    lowered_bytes = sum(step.before_bytes - step.after_bytes for step in steps)
    if lowered_bytes <= 0:
        return
    lowered = {step.sub_account.id: step.sub_account for step in steps if step.after_bytes < step.before_bytes}
    known = room(contract, at, lowered)
    if known is None:
        return
    if lowered_bytes > known.left_bytes:
        text = N_(
            "This lowers the contract by %(lowered_bytes)s. At present %(left_bytes)s can be lowered at once. Lower"
            " less, or ask us for this change."
        )
        raise BeyondFairUse(text, "allocation", lowered_bytes=lowered_bytes, left_bytes=known.left_bytes)
    for sub_account in lowered.values():
        if known.used_up(sub_account.id):
            text = N_(
                "%(name)s was lowered %(times)s times within %(days)s days, as often as can be done at once. Leave it"
                " as it is, or ask us for this change."
            )
            days = known.rules.fair_use_window_days
            raise BeyondFairUse(
                text, "allocation", name=sub_account.name, times=known.counts.get(sub_account.id, 0), days=days
            )


def decreases(contract: Contract, most: int) -> list[tuple[datetime, str, int]]:
    """The latest changes that lowered the contract, whoever made them: when, by whom (`kind:id`), bytes."""
    line: Any = AllocationEntry
    grown = fn.SUM(line.after_bytes - line.before_bytes)
    found = (
        line.select(fn.MAX(line.at), fn.MAX(line.actor), grown)
        .where(line.contract == contract, line.cause == "changed")
        .group_by(line.batch)
        .having(grown < 0)
        .order_by(fn.MAX(line.id).desc())
        .limit(most)
    )
    return [(_moment(at), actor, -int(amount)) for at, actor, amount in found.tuples()]


def fingerprint(contract: Contract) -> str:
    """The same while the contract's own rules are the same."""
    return ",".join(str(getattr(contract, name)) for name in NAMES)


def set_own(
    act: Act, contract_id: int, wanted: Mapping[str, int | None], reason: str, *, seen: str | None = None
) -> Contract:
    """A contract's own rules of fair use; None for a rule means: as for everybody. Raises FairUseRefused with the
    field that is out of bounds, without a reason, and when they are not any more as they were `seen`."""
    for name in NAMES:
        value, (least, most) = wanted[name], policy.BOUNDS[name]
        if value is not None and not least <= value <= most:
            raise FairUseRefused(N_("Enter a number from %(least)s to %(most)s."), name, least=least, most=most)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise FairUseRefused(N_("Write down why, in at most %(most)s characters."), "reason", most=LONGEST_REASON)
    with write_tx():
        contract = ask_one(_known, id=contract_id) and Contract.locked(contract_id)
        if contract is None:
            raise NotFound()
        if seen is not None and seen != fingerprint(contract):
            raise FairUseRefused(N_("Somebody else has changed these rules meanwhile. Look at them and save again."))
        changed = {name: wanted[name] for name in NAMES if getattr(contract, name) != wanted[name]}
        before = {name: getattr(contract, name) for name in changed}
        for name, value in changed.items():
            setattr(contract, name, value)
        if changed:
            contract.save(only=list(changed))
            after = {**changed, "reason": reason}
            record(act, "contract.fair_use_set", contract, partner=contract.partner_id, before=before, after=after)
    return contract


def _known():
    return Contract.select(Contract.id).where(Contract.id == Blank("id"))


def _batches():
    """Each act on a contract since a moment: by how much it grew, and what came after it. Undoing is possible only
    for the last act, so what is followed by `undone` was taken back."""
    line: Any = AllocationEntry
    follower = fn.LEAD(fn.MIN(line.cause)).over(order_by=[fn.MAX(line.id)])
    return (
        line.select(
            line.batch,
            fn.MIN(line.cause).alias("cause"),
            fn.MIN(line.actor).alias("actor"),
            fn.MIN(line.at).alias("at"),
            fn.SUM(line.after_bytes - line.before_bytes).alias("grown"),
            follower.alias("follower"),
        )
        .where(line.contract == Blank("contract"), line.at > Blank("since"))
        .group_by(line.batch)
        .alias("act")
    )


def _counting(acts: Any):
    by_partner = ~acts.c.actor.startswith("operator:")
    kept = acts.c.follower.is_null() | (acts.c.follower != "undone")
    return (acts.c.cause == "changed") & (acts.c.grown < 0) & by_partner & kept


def _lowered():
    acts: Any = _batches()
    return AllocationEntry.select(fn.SUM(acts.c.grown), fn.MIN(acts.c.at)).from_(acts).where(_counting(acts)).tuples()


def _counts(since: dict, sub_accounts: Collection[int]) -> dict[int, int]:
    wanted = set(sub_accounts)
    return {number: times for number, times in ask(_lowered_each, **since) if number in wanted}


def _lowered_each():
    acts, line = _batches(), AllocationEntry
    counting = line.select(acts.c.batch).from_(acts).where(_counting(acts))
    own = (line.contract == Blank("contract")) & (line.at > Blank("since")) & (line.after_bytes < line.before_bytes)
    # a join would compare each line with each act
    return (
        line.select(line.sub_account_id, fn.COUNT(line.id))
        .where(own, line.batch.in_(counting))
        .group_by(line.sub_account_id)
        .tuples()
    )


def _moment(value: Any) -> datetime:
    """An aggregate of times comes as the engine keeps it."""
    return AllocationEntry.at.python_value(value) if not getattr(value, "tzinfo", None) else value
