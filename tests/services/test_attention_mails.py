"""Operators who decide are told what needs them: once, and not one by one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models.base import database, locked, write_tx
from models.operator import Operator
from models.outbox import Mail
from models.sub_account import Region, SubAccount
from services import attention_mails, worker
from services.site import House
from services.storage import StorageRefused
from tests.services.ground import GB, fresh, work
from tests.services.test_lock_order import SOMEBODY_WAITS


@pytest.fixture
def tell(ground, settings):
    """Lets the worker look, as it does every half minute; gives the mails that came of it."""
    house = House(ground.clock)

    def look(minutes: int = 1) -> list[tuple[str, str]]:
        known = {mail.id for mail in Mail.select()}
        ground.clock.advance(minutes=minutes)
        attention_mails.tell(house, settings)
        return [(mail.recipient, mail.subject) for mail in Mail.select().order_by(Mail.id) if mail.id not in known]

    return look


@pytest.fixture
def stuck(ground, site):
    def make(*names: str) -> list[SubAccount]:
        rows = [ground.account(name, GB) for name in names]
        site.storage.fail("put_account", times=len(rows), error=StorageRefused("no such right"))
        work(site)
        site.storage.recover()
        assert {fresh(row).phase for row in rows} <= {"attention"}
        return rows

    return make


OLGA = "olga@provider.example.com"


def test_what_gets_stuck_together_is_one_mail_to_those_who_decide(ground, stuck, tell):
    assert tell() == []
    rows = stuck(*(f"A{number}" for number in range(25)))
    Operator.create(
        name="Max", email="max@provider.example.com", email_key="max", right="manager", created_at=rows[0].created_at
    )
    Operator.create(
        name="Old",
        email="old@x.example.com",
        email_key="old",
        right="owner",
        active=False,
        created_at=rows[0].created_at,
    )
    subject = "25 sub-accounts in embedded need you"
    assert tell() == [(OLGA, subject), ("max@provider.example.com", subject)]
    mail = Mail.select().where(Mail.recipient == OLGA).get()
    assert f"A0 ({rows[0].number}), Northwind Traders GmbH" in mail.text and "A20" not in mail.text
    assert "and 5 further sub-accounts" in mail.text
    assert f"/admin/storage#region-{ground.cast.region.id}" in mail.text and "A19" in mail.html
    assert tell() == tell(minutes=600) == []


def test_what_gets_stuck_soon_after_waits_for_the_next_mail(stuck, tell):
    stuck("A")
    assert tell() == [(OLGA, "1 sub-account in embedded needs you")]
    stuck("B")
    assert tell(minutes=14) == []
    stuck("C")
    assert tell() == [(OLGA, "2 sub-accounts in embedded need you")]


def test_one_that_fails_again_is_not_told_again_until_it_had_settled(ground, site, stuck, tell):
    (row,) = stuck("A")
    assert len(tell()) == 1
    SubAccount.update(phase="updating").where(SubAccount.id == row.id).execute()
    assert tell(minutes=20) == []
    SubAccount.update(phase="attention").where(SubAccount.id == row.id).execute()
    assert tell(minutes=20) == []
    ground.clock.advance(hours=1)
    work(site)
    assert fresh(row).phase == "ready"
    assert tell() == [] and fresh(row).told_at is None
    SubAccount.update(phase="attention").where(SubAccount.id == row.id).execute()
    assert len(tell(minutes=20)) == 1
    SubAccount.update(phase="ready").where(SubAccount.id == row.id).execute()


def test_each_region_has_a_mail_of_its_own(ground, stuck, tell):
    _here, there = stuck("A", "B")
    south = Region.create(name="south", display_name="Oslo")
    SubAccount.update(region=south).where(SubAccount.id == there.id).execute()
    assert [subject for _to, subject in tell()] == [
        "1 sub-account in embedded needs you", "1 sub-account in Oslo needs you",
    ]  # fmt: skip
    SubAccount.update(region=ground.cast.region).where(SubAccount.id == there.id).execute()


def test_of_two_workers_one_tells(ground, settings, stuck):
    stuck("A")
    for _ in range(2):
        attention_mails.tell(House(ground.clock), settings)
    assert Mail.select().count() == 1
    ground.clock.advance(seconds=29)
    house = House(ground.clock, attention_next_at=ground.clock.now() + timedelta(seconds=1))
    Region.update(told_at=None).execute()
    stuck("B")
    attention_mails.tell(house, settings)
    assert Mail.select().count() == 1


@pytest.mark.postgres_only
@pytest.mark.parametrize("settled", [False, True])
def test_whoever_locks_by_number_and_this_never_wait_for_each_other(ground, settings, engine, stuck, settled):
    """The table's own order is another one here: the first row was written last."""
    first, second = stuck("A", "B")
    if settled:
        SubAccount.update(phase="ready", told_at=ground.clock.now()).execute()
    SubAccount.update(name="later").where(SubAccount.id == second.id).execute()
    SubAccount.update(name="last").where(SubAccount.id == first.id).execute()

    def tell():
        with database.connection_context():
            attention_mails.tell(House(ground.clock), settings)

    def hold(row: SubAccount) -> SubAccount:
        return locked(SubAccount.select().where(SubAccount.id == row.id)).get()

    with ThreadPoolExecutor(1) as threads:
        with write_tx():
            hold(first)
            told = threads.submit(tell)
            while not database.execute_sql(SOMEBODY_WAITS).fetchone():
                assert not told.done()
            hold(second)
        told.result(30)
    assert Mail.select().count() == (0 if settled else 1)
    assert {fresh(row).told_at for row in (first, second)} == {None if settled else ground.clock.now()}
    SubAccount.update(phase="attention").execute()


def test_the_worker_tells(ground, site, settings, stuck):
    stuck("A")
    worker.round_of_work(site, settings)
    assert Mail.get().subject == "1 sub-account in embedded needs you"
