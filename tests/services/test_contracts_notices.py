"""Notices about contracts that end, where there are many of them."""

from datetime import date, timedelta

import pytest

from models.base import write_tx
from models.closure import ContractNotice
from models.contract import Contract
from services import contracts_notices
from services.contracts_notices import DAYS
from tests.services.ground import Ground

MANY = 50
TODAY = date(2026, 3, 2)


@pytest.fixture
def ground(cast, settings, clock) -> Ground:
    return Ground(cast, settings, clock)


def contracts(cast, at, how_many: int) -> list[Contract]:
    """As many that end in 0 to 90 days."""
    fixed = {
        "partner": cast.northwind, "reserved_bytes": 1, "price_cents": 1, "excess_price_cents": 1,
        "egress_price_cents": 0, "starts_on": date(2026, 1, 1), "created_at": at,
    }  # fmt: skip
    rows = [
        fixed | {"public_id": f"many-{n}", "number": f"MANY-{n:04}", "ends_on": TODAY + timedelta(days=n * 2 % 91)}
        for n in range(how_many)
    ]
    with write_tx():
        Contract.insert_many(rows).execute()
    return list(Contract.select().where(Contract.number.startswith("MANY-")).order_by(Contract.id))


def told(contract: Contract, days: int, at) -> None:
    with write_tx():
        ContractNotice.create(contract=contract, ends_on=contract.ends_on, days=days, at=at)


def test_one_question_finds_what_is_due_however_many_contracts_end(ground, cast, count_queries):
    at = ground.clock.now()
    for contract in contracts(cast, at, MANY):
        told(contract, contracts_notices.due_number((contract.ends_on - TODAY).days), at)
    with count_queries() as queries:
        assert contracts_notices.tell_due(ground.act(), ground.settings) == []
    assert queries.count == 1, queries.statements
    ContractNotice.delete().execute()
    with count_queries() as queries:
        assert len(contracts_notices.endings(at, ground.settings, untold=True)) == MANY
    assert queries.count == 1, queries.statements


@pytest.mark.parametrize("left", [0, 1, 2, 7, 8, 30, 31, 90])
def test_a_notice_is_due_until_one_of_its_stage_or_a_nearer_one_was_sent_for_this_end(ground, cast, left):
    at = ground.clock.now()
    (contract,) = contracts(cast, at, 1)
    contract.ends_on = TODAY + timedelta(days=left)
    contract.save(only=[Contract.ends_on])

    def due() -> bool:
        found = contracts_notices.endings(at, ground.settings, untold=True)
        return [ending.contract.id for ending in found] == [contract.id]

    stage = contracts_notices.due_number(left)
    assert due()
    for farther in (days for days in DAYS if days > stage):
        told(contract, farther, at)
    with write_tx():
        ContractNotice.create(contract=contract, ends_on=contract.ends_on + timedelta(days=1), days=1, at=at)
    assert due()
    told(contract, stage, at)
    assert not due()


def test_a_full_round_is_followed_by_the_rest(ground, cast, monkeypatch):
    monkeypatch.setattr(contracts_notices, "MOST", 20)
    contracts(cast, ground.clock.now(), MANY)
    rounds = [len(contracts_notices.tell_due(ground.act(), ground.settings)) for _round in range(4)]
    assert rounds == [20, 20, 10, 0]
    assert ContractNotice.select().count() == MANY
