"""Many who move capacity to and fro, one who looks on, and what must be true of it."""

import random
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from peewee import fn

from models.base import DATABASE_AWAY, database
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation
from services.allocation import AllocationStale, Change
from services.audit import Act

GB = 10**9
LARGEST_MOVE_GB = 200
MOST_TRIES = 100
LONGEST_PAUSE_SECONDS = 0.1
READER_PAUSE_SECONDS = 0.002


@dataclass
class Bank:
    """`act()` is who acts, now. What is acknowledged is in `moves`: from, to, bytes, batch."""

    contract_id: int
    total_bytes: int
    act: Callable[[], Act]
    moves: list[tuple[str, str, int, str]] = field(default_factory=list)
    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def move_on(self, numbers: list[str], seed: int) -> None:
        """Moves from one to another, again and again."""
        chance = random.Random(seed)
        with self._until_stopped():
            while not self.stop.is_set():
                giver, taker = chance.sample(numbers, 2)
                self._move(giver, taker, chance.randint(1, LARGEST_MOVE_GB) * GB, chance)

    def _move(self, giver: str, taker: str, amount_bytes: int, chance: random.Random) -> None:
        """One move with one key, sent until it is answered; a new page and a new key when the page was old."""
        while not self.stop.is_set():
            contract, stands = self._page(giver, taker)
            if stands[giver] < amount_bytes:
                return
            changes = [
                Change(giver, stands[giver] - amount_bytes, True), Change(taker, stands[taker] + amount_bytes, True)
            ]  # fmt: skip
            form = {"seen_version": contract.version, "once_key": secrets.token_hex(8)}
            try:
                batch = self._answered(contract, changes, form)
            except AllocationStale:
                self.stop.wait(chance.uniform(0, LONGEST_PAUSE_SECONDS))  # else all come back together, each time
                continue
            self.moves.append((giver, taker, amount_bytes, batch))
            return

    def _answered(self, contract: Contract, changes: list[Change], form: dict) -> str:
        """Also when everything is to stop: a move of which nobody knows whether it was made would spoil the sum."""
        for _ in range(MOST_TRIES):
            with suppress(*DATABASE_AWAY):
                return allocation.rebalance(self.act(), contract, changes, **form)
        raise AssertionError("the database stays away")

    def _page(self, *numbers: str) -> tuple[Contract, dict[str, int]]:
        """As the page does: the version first, so that figures which are newer are refused."""
        contract = Contract.get_by_id(self.contract_id)
        rows = SubAccount.select(SubAccount.number, SubAccount.allocated_bytes).where(SubAccount.number.in_(numbers))
        return contract, dict(rows.tuples())

    def look_on(self) -> None:
        """The sums of one moment, again and again: what is set aside is always the whole, and the counter agrees; what
        the service may hold is never more."""
        account = SubAccount
        query = account.select(
            fn.SUM(account.allocated_bytes),
            fn.SUM(fn.COALESCE(account.observed_quota_bytes, 0)),
            fn.MAX(Contract.allocated_bytes),
        )
        with self._until_stopped():
            while not self.stop.is_set():
                wanted, observed, counted = map(int, query.join(Contract).tuples()[0])
                self.reads += 1
                self.stop.wait(READER_PAUSE_SECONDS)
                if not wanted == counted == self.total_bytes >= observed:
                    self.wrong.append(f"read {self.reads}: {wanted} set aside, {counted} counted, {observed} observed")

    def _until_stopped(self):
        return _Reported(self)


class _Reported:
    """A thread that fails says so, and ends the others."""

    def __init__(self, bank: Bank):
        self._bank = bank

    def __enter__(self) -> None:
        database.connect(reuse_if_open=True)

    def __exit__(self, kind, error, trace) -> bool:
        database.close()
        if error is not None:
            self._bank.wrong.append(f"{kind.__name__}: {error}")
            self._bank.stop.set()
        return True
