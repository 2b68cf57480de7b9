"""The end of a contract, walked through with a clock that is moved: notices, end, retrieval, removal, certificate."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.base import write_tx
from models.closure import Closure, ClosureAccount, ContractNotice
from models.contract import Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import Region
from services import (
    closing,
    closing_back,
    closing_certificate,
    contracts_access,
    contracts_changes,
    deletion_guard,
    deletion_release,
    mail_sending,
    policy,
    promises,
    standing,
    sub_account_life,
)
from services.closing import ClosureRefused
from services.refusal import NotFound
from services.sweep import sweep
from tests.cast import act_of
from tests.services.deletions import store
from tests.services.ground import TB, Ground, fresh, trail, work

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def site(ground):
    found = ground.site()
    Region.update(hard_quota="immediate").where(Region.id == found.region.id).execute()
    return found


def ends(number: str, on: date | None) -> None:
    Contract.update(ends_on=on).where(Contract.number == number).execute()


def go_to(ground: Ground, day: date, hour: int = 0, minute: int = 1) -> list[str]:
    """The provider's clock shows this; time brings what it brings."""
    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)
    ground.clock.advance(seconds=(at - ground.clock.now()).total_seconds())
    lines = sweep(act_of(None, at), ground.settings)
    mail_sending.send_due(ground.settings, at, 100)
    return lines


def closures() -> list[Closure]:
    return list(Closure.select().order_by(Closure.id))


def mails(template: str) -> list[Mail]:
    return list(Mail.select().where(Mail.template == template).order_by(Mail.id))


def holds_all(ground: Ground) -> None:
    assert list(promises.check(ground.clock.now())) == []


def test_from_the_first_day_to_the_certificate(ground, site, cast):
    ends("RCP-1001", date(2026, 12, 31))
    row = ground.account("Adler AG", 2 * TB)
    work(site)
    store(site, row, 3)

    for day, days in (
        (date(2026, 10, 2), 90),
        (date(2026, 12, 1), 30),
        (date(2026, 12, 24), 7),
        (date(2026, 12, 30), 1),
    ):
        go_to(ground, day)
        go_to(ground, day, 9)
        assert ContractNotice.select().order_by(ContractNotice.id.desc()).get().days == days
    assert len(mails("contract_ends")) == 4
    assert not contracts_access.none_left(cast.northwind)

    go_to(ground, date(2026, 12, 31), 23, 59)
    assert ground.contract.state == "active" and not closures()
    go_to(ground, date(2027, 1, 1))
    assert ground.contract.state == "expired"
    left = standing.of(Partner.get_by_id(cast.northwind.id), ground.clock.now())
    assert (left.level, left.reason) == ("export", "contract_ended")
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    assert fresh(row).used_bytes == 0 and fresh(row).barred_at is not None
    (closure,) = closures()
    assert (closure.state, closure.cause) == ("transition", "expired")

    go_to(ground, date(2027, 2, 1))
    work(site)
    assert Closure.get().state == "retrieval"
    remote = site.storage.read_account(row.remote_uid)
    assert (remote.suspended, remote.quota_bytes) == (False, 0)
    holds_all(ground)

    last = Closure.get().retrieval_until_at.astimezone(BERLIN).date()
    assert last - date(2027, 2, 1) >= timedelta(days=30)
    go_to(ground, last - timedelta(days=1), 23, 59)
    assert Closure.get().state == "retrieval"
    go_to(ground, last)
    assert Closure.get().state == "purging"
    with pytest.raises(ClosureRefused):
        closing_back.withdraw(ground.act(), Closure.get())
    work(site)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    work(site)
    assert site.storage.read_account(row.remote_uid) is None
    go_to(ground, last, 1)

    closure = Closure.get()
    assert closure.state == "closed"
    told = json.loads(closure.certificate)
    assert told["asked_by"] == ground.settings.provider.name
    (account,) = told["accounts"]
    assert (account["number"], account["verified"]) == (row.number, "NoSuchUser")
    assert account["removed_objects"] == told["removed_objects"] == 3
    assert [line["until_on"] for line in told["kept"]] == ["2033-12-31", "2035-12-31", "2033-12-31"]
    assert closure.file.content.startswith(b"%PDF-")
    assert mails("closure")[-1].subject == "Everything is removed: your certificate of deletion"
    holds_all(ground)
    assert go_to(ground, last, 2) == []


def test_only_the_nearest_notice_is_sent_after_a_break(ground, cast):
    ends("RCP-1001", date(2026, 12, 31))
    ends("RCP-2001", None)
    go_to(ground, date(2026, 12, 26))
    go_to(ground, date(2026, 12, 27))
    assert [notice.days for notice in ContractNotice.select()] == [7]
    assert "ends in 5 days" in mails("contract_ends")[0].subject
    ends("RCP-1001", date(2027, 12, 31))
    go_to(ground, date(2027, 12, 30))
    assert [notice.days for notice in ContractNotice.select().order_by(ContractNotice.id)] == [7, 1]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_day_on_which_clocks_change_ends_at_its_own_midnight(ground, cast, day):
    ends("RCP-1001", day)
    go_to(ground, day, 23, 59)
    assert ground.contract.state == "active"
    go_to(ground, day + timedelta(days=1), 0, 0)
    assert ground.contract.state == "expired"


def test_a_renewal_lets_everything_work_again(ground, site, cast):
    ends("RCP-1001", date(2026, 3, 31))
    row, paused = ground.account("Adler AG", 2 * TB), ground.account("Bär AG", TB)
    work(site)
    sub_account_life.suspend(ground.act(), cast.northwind, paused.number)
    go_to(ground, date(2026, 4, 1))
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    go_to(ground, date(2026, 5, 2))
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended
    assert site.storage.read_account(paused.remote_uid).suspended
    contract = ground.contract
    edit = contracts_changes.edit_of(contract)
    wanted = contracts_changes.Edit(**{**vars(edit), "ends_on": date(2027, 3, 31)})
    contracts_changes.change(ground.act(cast.olga), ground.settings, "RCP-1001", wanted, "Renewed", contract.version)
    work(site)
    assert (ground.contract.state, Closure.get().state) == ("active", "withdrawn")
    remote = site.storage.read_account(row.remote_uid)
    assert (remote.suspended, remote.quota_bytes) == (False, 2 * TB)
    assert site.storage.read_account(paused.remote_uid).suspended
    assert fresh(paused).barred_at is None and fresh(paused).suspended_at is not None
    assert standing.of(Partner.get_by_id(cast.northwind.id), ground.clock.now()).level == "full"
    holds_all(ground)


def begin(ground: Ground, cast) -> Closure:
    return closing.begin(ground.act(), ground.settings, cast.northwind, reason="We leave", asked_by="partner")


def test_a_partner_leaves_and_everything_goes_with_a_second_person(ground, site, cast):
    row, other = (
        ground.account("Adler AG", 2 * TB),
        ground.account("Nachbar", TB, person=cast.charlie, contract=cast.other_contract),
    )
    work(site)
    closure = begin(ground, cast)
    assert begin(ground, cast).id == closure.id
    assert closure.notice_until_at.astimezone(BERLIN) == datetime(2026, 5, 2, 0, 0, tzinfo=BERLIN)
    assert Partner.get_by_id(cast.northwind.id).state == "active"
    go_to(ground, date(2026, 5, 2), 0, 0)
    partner = Partner.get_by_id(cast.northwind.id)
    assert (ground.contract.state, ground.contract.ends_on, partner.state) == (
        "terminated",
        date(2026, 5, 1),
        "closing",
    )
    assert standing.of(partner, ground.clock.now()).level == "export"
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    assert not site.storage.read_account(other.remote_uid).suspended
    go_to(ground, date(2026, 6, 1), 0, 0)
    assert Closure.get().state == "retrieval"
    work(site)
    go_to(ground, date(2026, 7, 1), 0, 0)
    assert Closure.get().state == "purging"
    work(site)
    deletion_guard.begin_due(site, ground.settings)
    (held,) = deletion_guard.held(site.region)
    assert held.held_reason == "partner"
    deletion_release.release(ground.act(cast.olga), ground.settings, site.region.id, [held.id], "as agreed")
    deletion_guard.begin_due(site, ground.settings)
    work(site)
    go_to(ground, date(2026, 7, 1), 1)
    closure = Closure.get()
    assert (closure.state, Partner.get_by_id(cast.northwind.id).state) == ("closed", "closed")
    assert [account.number for account in ClosureAccount.select()] == [row.number]
    assert site.storage.read_account(other.remote_uid) is not None
    holds_all(ground)


def test_a_week_after_the_certificate_what_tells_of_persons_is_erased(cast, settings, clock):
    ground = Ground(cast, settings, clock)
    begin(ground, cast)
    for day in (date(2026, 5, 2), date(2026, 6, 1), date(2026, 7, 1), date(2026, 7, 7)):
        go_to(ground, day, 0, 0)
    assert (Closure.get().state, Closure.get().erased_at) == ("closed", None)
    lines = go_to(ground, date(2026, 7, 8), 1)
    assert any("erased" in line for line in lines) and Closure.get().erased_at is not None
    people = type(cast.alice)
    assert "Alice" not in repr(list(people.select().where(people.partner == cast.northwind).dicts()))
    assert not any("erased" in line for line in go_to(ground, date(2026, 7, 8), 2))
    holds_all(ground)


@pytest.mark.parametrize("day", [None, date(2026, 5, 2), date(2026, 6, 1)])
def test_a_closure_is_taken_back_until_removing_begins(ground, site, cast, day):
    ground.account("Adler AG", 2 * TB)
    work(site)
    closure = begin(ground, cast)
    if day:
        go_to(ground, day)
    closing_back.withdraw(ground.act(), closure, ground.settings)
    closing_back.withdraw(ground.act(), closure, ground.settings)
    partner = Partner.get_by_id(cast.northwind.id)
    assert (Closure.get().state, partner.state) == ("withdrawn", "active")
    assert standing.of(partner, ground.clock.now()).level == ("full" if day is None else "export")
    assert len(trail("closure.withdrawn")) == 1
    lines = sweep(act_of(None, ground.clock.now()), ground.settings)
    if day:
        assert closures()[-1].cause == "expired", lines  # the contract is over: its data do not stay for ever
    else:
        assert lines == []


def test_a_suspension_outlives_a_closure_that_is_taken_back(ground, cast):
    Partner.update(state="suspended").where(Partner.id == cast.northwind.id).execute()
    closure = closing.begin(
        ground.act(cast.olga), ground.settings, Partner.get_by_id(cast.northwind.id), reason="x", asked_by="operator:1"
    )
    go_to(ground, date(2026, 5, 2))
    assert Partner.get_by_id(cast.northwind.id).state == "closing"
    closing_back.withdraw(ground.act(cast.olga), closure)
    assert Partner.get_by_id(cast.northwind.id).state == "suspended"


@pytest.mark.parametrize(("who", "named"), [("alice", "Alice Adler"), ("olga", "Example Storage")])
def test_the_certificate_names_nobody_of_the_staff(ground, cast, who, named):
    act = ground.act(getattr(cast, who))
    closure = closing.begin(act, ground.settings, cast.northwind, reason="x", asked_by=f"{act.kind}:{act.actor_id}")
    with write_tx():
        text, _file, _attached = closing_certificate.issue(ground.act(), ground.settings, closure)
    assert json.loads(text)["asked_by"] == named
    assert "Olga" not in text


def test_who_asked_is_named_and_not_who_granted_it(ground, cast):
    """The words of a request are the member's, its act is an operator's."""
    closing.begin(
        ground.act(cast.olga), ground.settings, cast.northwind, reason="x", asked_by=f"member:{cast.alice.id}"
    )
    with write_tx():
        text, _file, _attached = closing_certificate.issue(ground.act(), ground.settings, Closure.get())
    assert json.loads(text)["asked_by"] == "Alice Adler" and "Olga" not in text


def test_an_operator_shortens_the_notice_and_what_follows_moves_with_it(ground, cast):
    closure = begin(ground, cast)
    moved = closing.move_end(
        ground.act(cast.olga),
        ground.settings,
        closure.public_id,
        date(2026, 3, 10),
        "agreed",
        closing.seen(Closure.get()),
    )
    assert moved.notice_until_at.astimezone(BERLIN).date() == date(2026, 3, 11)
    assert moved.transition_until_at.astimezone(BERLIN).date() == date(2026, 4, 10)
    assert moved.retrieval_until_at.astimezone(BERLIN).date() == date(2026, 5, 10)
    go_to(ground, date(2026, 3, 11))
    for day in (date(2026, 4, 1), date(2026, 3, 1)):
        with pytest.raises(ClosureRefused) as refused:
            closing.move_end(
                ground.act(cast.olga), ground.settings, closure.public_id, day, "shorter", closing.seen(Closure.get())
            )
        assert refused.value.field == "last_on"
    longer = closing.move_end(
        ground.act(cast.olga),
        ground.settings,
        closure.public_id,
        date(2026, 4, 20),
        "longer",
        closing.seen(Closure.get()),
    )
    assert longer.transition_until_at.astimezone(BERLIN).date() == date(2026, 4, 21)
    assert longer.retrieval_until_at - longer.transition_until_at >= timedelta(days=30)


def test_a_service_without_quota_opens_nothing_by_itself_and_an_operator_can(ground, cast):
    site = ground.site()
    Region.update(hard_quota="none").where(Region.id == site.region.id).execute()
    row = ground.account("Adler AG", 2 * TB)
    work(site)
    ends("RCP-1001", date(2026, 3, 31))
    go_to(ground, date(2026, 4, 1))
    go_to(ground, date(2026, 5, 1))
    work(site)
    assert Closure.get().state == "transition"
    go_to(ground, date(2026, 5, 2))
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    assert contracts_access.open_reading(ground.act(cast.olga), [row.id]) == 1
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended


def test_a_job_that_was_down_for_long_takes_nothing_from_the_time_to_fetch_data(ground, site, cast):
    ground.account("Adler AG", 2 * TB)
    work(site)
    begin(ground, cast)
    go_to(ground, date(2026, 12, 1), 12)
    closure = Closure.get()
    assert closure.state == "retrieval"
    assert closure.retrieval_until_at - ground.clock.now() >= timedelta(days=policy.current().retrieval_days)
    work(site)
    assert Deletion.select().count() == 0


def test_each_partner_sees_its_own_closures_alone(ground, cast):
    closure = begin(ground, cast)
    assert closing.own(cast.northwind, closure.public_id).id == closure.id
    with pytest.raises(NotFound):
        closing.own(cast.contoso, closure.public_id)
