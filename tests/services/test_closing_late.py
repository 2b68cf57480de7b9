"""The end of a contract where something comes late, twice or in large numbers: nobody loses time to fetch data."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.closure import Closure
from models.contract import Contract
from services import closing, closing_steps, contracts_access, contracts_changes, policy, worker
from services.closing import ClosureRefused
from services.site import House
from tests.cast import act_of
from tests.notices import switched_off
from tests.services.ground import TB, fresh, work
from tests.services.test_closing import BERLIN, begin, ends, go_to, site  # noqa: F401 - a fixture


def renew(ground, cast, on: date | None, **changes) -> None:
    contract = ground.contract
    edit = contracts_changes.edit_of(contract)
    wanted = contracts_changes.Edit(**{**vars(edit), "ends_on": on, **changes})
    contracts_changes.change(ground.act(cast.olga), ground.settings, "RCP-1001", wanted, "As agreed", contract.version)


def last_day(closure: Closure) -> date:
    return closure.retrieval_until_at.astimezone(BERLIN).date()


def at_night(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)


def test_a_contract_that_was_closed_and_renewed_is_closed_again_by_its_date(ground, site, cast):  # noqa: F811
    ends("RCP-1001", date(2026, 3, 31))
    for day in (date(2026, 4, 1), date(2026, 5, 2), date(2026, 6, 2)):
        go_to(ground, day)
    assert not Closure.select().exists()  # nothing is there
    closed = {
        "state": "closed",
        "closed_at": ground.clock.now(),
        "certificate": "{}",
        "purge_from_at": ground.clock.now(),
    }
    Closure.create(
        public_id="x", partner=cast.northwind, contract=ground.contract, cause="expired", reason="", asked_by="system:",
        asked_at=ground.clock.now() - timedelta(days=60), asked_name="", **closed,
        notice_until_at=ground.clock.now() - timedelta(days=60),
        transition_until_at=ground.clock.now() - timedelta(days=30), retrieval_until_at=ground.clock.now(),
    )  # fmt: skip
    renew(ground, cast, date(2026, 12, 31))
    ground.account("Adler AG", TB)
    go_to(ground, date(2027, 1, 1))
    assert [row.state for row in Closure.select().order_by(Closure.id)] == ["closed", "transition"]


def test_a_switch_does_not_keep_data_from_being_fetched(ground, site, cast):  # noqa: F811
    row = ground.account("Adler AG", TB)
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1))
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    switched_off(cast, ground.clock.now(), "provisioning")
    go_to(ground, date(2026, 5, 2))
    work(site)
    remote = site.storage.read_account(row.remote_uid)
    assert (remote.suspended, remote.quota_bytes) == (False, 0)


def test_what_is_not_open_yet_moves_the_end_of_the_time_to_fetch_data(ground, site, cast):  # noqa: F811
    row = ground.account("Adler AG", TB)
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1), 0, 0)
    work(site)
    go_to(ground, date(2026, 5, 1), 0, 0)
    assert Closure.get().state == "retrieval"
    go_to(ground, date(2026, 5, 1), 0, 10)  # as soon as it can be: nothing moves
    first = last_day(Closure.get())
    assert first - date(2026, 5, 1) == timedelta(days=30)
    go_to(ground, date(2026, 5, 20))  # the service has been away all the time
    moved = last_day(Closure.get())
    assert moved - date(2026, 5, 20) >= timedelta(days=30)
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended
    go_to(ground, first)
    assert (Closure.get().state, last_day(Closure.get())) == ("retrieval", moved)
    go_to(ground, moved)
    assert Closure.get().state == "purging"


def test_nothing_is_removed_that_could_never_be_fetched(ground, site, cast):  # noqa: F811
    ground.account("Adler AG", TB)
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1), 0, 0)
    work(site)
    go_to(ground, date(2026, 5, 1), 0, 0)
    go_to(ground, date(2026, 8, 1))  # nothing ran meanwhile
    closure = Closure.get()
    assert closure.state == "retrieval" and last_day(closure) - date(2026, 8, 1) >= timedelta(days=30)


def test_an_hour_of_delay_counts(ground, site, cast):  # noqa: F811
    ground.account("Adler AG", TB)
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1), 0, 0)
    go_to(ground, date(2026, 5, 1), 1)
    closure = Closure.get()
    assert closure.state == "retrieval"
    assert closure.retrieval_until_at - ground.clock.now() >= timedelta(days=30)


def test_a_full_round_is_followed_by_another_at_once(ground, site, cast, monkeypatch):  # noqa: F811
    rows = [ground.account(f"Kunde {number}", TB) for number in range(3)]
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    monkeypatch.setattr(contracts_access, "MOST", 2)
    house = House(ground.clock)
    for day, done in ((date(2026, 4, 1), "barred_at"), (date(2026, 5, 1), "read_only")):
        at = at_night(day)
        ground.clock.advance(seconds=(at - ground.clock.now()).total_seconds())
        assert worker.keep_house(house, ground.settings)
        assert sum(bool(getattr(fresh(row), done)) for row in rows) == 2
        for _ in range(5):
            worker.keep_house(house, ground.settings)
        assert all(getattr(fresh(row), done) for row in rows)
        assert house.sweep_next_at > ground.clock.now()


def test_a_renewal_follows_its_own_contract_and_a_few_sub_accounts_at_once(ground, site, cast, monkeypatch):  # noqa: F811
    other = ground.account("Nachbar", TB, person=cast.charlie, contract=cast.other_contract)  # comes first by its id
    rows = [ground.account(f"Kunde {number}", TB) for number in range(3)]
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    ends("RCP-2001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1))
    Contract.update(state="active", ends_on=None).where(Contract.number == "RCP-2001").execute()
    monkeypatch.setattr(contracts_changes, "AT_ONCE", 2)
    renew(ground, cast, date(2027, 3, 31))
    assert [fresh(row).barred_at is None for row in rows] == [True, True, False]
    assert fresh(other).barred_at is not None
    go_to(ground, date(2026, 4, 1), 1)
    assert all(fresh(row).barred_at is None for row in (*rows, other))


def test_a_contract_still_to_begin_keeps_its_term_and_stays_ended_when_its_price_changes(ground, cast):
    Contract.update(state="draft", starts_on=date(2026, 9, 1), ends_on=date(2027, 8, 31)).where(
        Contract.number == "RCP-1001"
    ).execute()
    begin(ground, cast)
    go_to(ground, date(2026, 3, 2), 23)
    go_to(ground, date(2026, 5, 2))
    assert (ground.contract.state, ground.contract.ends_on) == ("terminated", date(2027, 8, 31))
    renew(ground, cast, date(2027, 8, 31), notice_days=61)
    assert ground.contract.state == "terminated"


def test_another_end_of_one_that_never_began_brings_it_back_and_ends_its_closure(ground, site, cast):  # noqa: F811
    ground.account("Adler AG", TB)
    Contract.update(state="draft", starts_on=date(2026, 9, 1), ends_on=date(2027, 8, 31)).where(
        Contract.number == "RCP-1001"
    ).execute()
    contracts_changes.terminate(ground.act(cast.olga), ground.settings, "RCP-1001", date(2026, 3, 31), "agreed")
    go_to(ground, date(2026, 4, 1))
    assert (ground.contract.state, Closure.get().state) == ("terminated", "transition")
    renew(ground, cast, date(2027, 12, 31))
    assert (ground.contract.state, Closure.get().state) == ("draft", "withdrawn")


def test_another_end_is_for_the_step_that_was_seen(ground, cast):
    closure = begin(ground, cast)
    seen = closing.seen(closure)
    closing.move_end(ground.act(cast.olga), ground.settings, closure.public_id, date(2026, 3, 10), "agreed", seen)
    with pytest.raises(ClosureRefused, match="changed"):
        closing.move_end(ground.act(cast.olga), ground.settings, closure.public_id, date(2026, 3, 9), "agreed", seen)
    seen = closing.seen(Closure.get())
    go_to(ground, date(2026, 3, 11))
    with pytest.raises(ClosureRefused, match="changed"):
        closing.move_end(ground.act(cast.olga), ground.settings, closure.public_id, date(2026, 6, 1), "later", seen)


def test_another_end_is_not_for_the_next_step_that_ends_at_the_same_moment(ground, cast):
    """Without a transition, and with a worker that ended between two steps."""
    policy.change(ground.act(cast.olga), {"transition_days": 0})
    closure = begin(ground, cast)
    seen, until_at = closing.seen(closure), closure.notice_until_at
    ground.clock.advance(seconds=(until_at - ground.clock.now()).total_seconds())
    closing_steps._step(act_of(None, until_at), ground.settings, closure.id)
    assert (Closure.get().state, Closure.get().step_until_at) == ("transition", until_at)
    with pytest.raises(ClosureRefused, match="changed"):
        closing.move_end(ground.act(cast.olga), ground.settings, closure.public_id, date(2026, 8, 1), "later", seen)
    go_to(ground, until_at.astimezone(BERLIN).date())
    assert Closure.get().state == "retrieval"
