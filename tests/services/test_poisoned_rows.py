"""A row that one job of the worker cannot do: the others are done, it rests longer each time, people see it, and it is
done once it can be."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models.closure import Closure
from models.contract import Contract
from models.notice import NoticeMail
from models.outbox import Mail
from models.sub_account import SubAccount
from services import (
    access_keys,
    attention_mails,
    contracts_notices,
    document_notices,
    flow_down_keys,
    flow_down_links,
    flow_down_reminders,
    hand_over_links,
    holds,
    mail_sending,
    measures,
    notice_mails,
    one_by_one,
    worker,
)
from services.site import House
from tests.models import rows
from tests.notices import published
from tests.services.poisoned import CASES, suspended


class Poison:
    """In the place of what does one row: of the poisoned one it fails until it is `cured`."""

    def __init__(self, real: Callable, number: int):
        self.real, self.number, self.tries, self.cured = real, number, 0, False

    def __call__(self, *args):
        found = [arg for arg in args if not isinstance(arg, bool)]
        if self.number in map(_number, (found[-1], found[1])):
            self.tries += 1
            if not self.cured:
                raise ValueError("poisoned")
        return self.real(*args)


def _number(arg) -> object:
    """What says which row it is: an id, a list of one, a closure, or the end of a contract."""
    if isinstance(arg, list):
        return arg[0]
    if isinstance(arg, Closure):
        return arg.id
    return arg.contract.id if isinstance(arg, contracts_notices.Ending) else arg


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" {}", ""))
def test_a_poisoned_row_holds_up_no_other_and_rests(case, cast, acting, settings, clock, monkeypatch):
    first, second = case.make(cast, clock.now())
    poison = Poison(getattr(*case.does), first)
    monkeypatch.setattr(*case.does, poison)
    for _tick in range(4):
        case.run(acting(), settings)
    assert (case.done(first), case.done(second), poison.tries) == (False, True, 1)
    called = Contract.get_by_id(first).number if case.does[0] is contracts_notices else first
    assert [row.name for row in one_by_one.failed(clock.now())] == [case.name.format(called)]
    tries = []
    for seconds in (59, 1, 119, 1):  # a minute, then two
        clock.advance(seconds=seconds)
        case.run(acting(), settings)
        case.run(acting(), settings)
        tries.append(poison.tries)
    assert tries == [1, 2, 2, 3]
    poison.cured = True
    clock.advance(minutes=4)
    case.run(acting(), settings)
    assert case.done(first)


def test_rows_that_rest_take_nobody_s_place(cast, acting, clock, monkeypatch):
    monkeypatch.setattr(measures, "BATCH", 1)
    first, second = suspended(cast, clock.now())
    monkeypatch.setattr(holds, "hold", Poison(holds.hold, first))
    assert [measures.follow(acting()) for _tick in range(2)] == [0, 1]
    assert SubAccount.get_by_id(second).held_at


def test_a_notice_that_one_cannot_be_told_of_holds_up_no_other(cast, acting, clock, settings, monkeypatch):
    first, later = (published(cast, clock.now(), important=True) for _number in range(2))
    real = notice_mails.mail.queue

    def queue(*args, **values):
        if values["to"] == cast.bob.email and values["path"].endswith(f"/{first.id}"):
            raise ValueError("poisoned")
        return real(*args, **values)

    monkeypatch.setattr(notice_mails.mail, "queue", queue)
    while notice_mails.send_due(acting(), settings):
        pass
    told = [NoticeMail.select().where(NoticeMail.notice == notice).count() for notice in (first, later)]
    assert told == [3, 4]  # nothing is left of the mail that failed
    monkeypatch.setattr(notice_mails.mail, "queue", real)
    clock.advance(minutes=1)
    while notice_mails.send_due(acting(), settings):
        pass
    assert NoticeMail.select().where(NoticeMail.notice == first).count() == 4
    assert Mail.select().where(Mail.recipient == cast.bob.email).count() == 2


def test_a_mail_that_no_library_can_write_holds_up_no_other(cast, clock, settings, monkeypatch):
    first, second = (rows.make(Mail, recipient=f"{who}@example.com", sent_at=None) for who in ("one", "two"))
    real = mail_sending.message

    def message(settings, mail, at):
        if mail.id == first.id:
            raise IndexError("string index out of range")
        return real(settings, mail, at)

    monkeypatch.setattr(mail_sending, "message", message)
    assert mail_sending.send_due(settings, clock.now()) == 1
    assert Mail.get_by_id(second.id).sent_at and "IndexError" in Mail.get_by_id(first.id).last_error


JOBS = [
    (mail_sending, "send_due"), (worker, "_sweep"), (attention_mails, "tell"), (access_keys, "destroy_expired"),
    (hand_over_links, "end_expired"), (measures, "follow"), (flow_down_links, "write_waiting"),
    (flow_down_keys, "let_go_all"), (flow_down_reminders, "remind"), (notice_mails, "send_due"),
    (document_notices, "tell"),
]  # fmt: skip


@pytest.mark.parametrize("faulty", JOBS, ids=lambda job: f"{job[0].__name__}.{job[1]}")
def test_a_job_that_fails_as_a_whole_holds_up_no_other_and_rests(faulty, cast, settings, clock, monkeypatch):
    calls = []

    def counted(job):
        real = getattr(*job)

        def call(*args):
            calls.append(job)
            if job == faulty:
                raise ValueError("poisoned")
            return real(*args)

        return call

    for job in JOBS:
        monkeypatch.setattr(*job, counted(job))
    keeper = House(clock)
    for _tick in range(3):
        worker.keep_house(keeper, settings)
    assert set(calls) == set(JOBS) and calls.count(faulty) == 1
    assert len(one_by_one.failed(clock.now())) == 1
    clock.advance(minutes=11)  # longer than the pause, and than any job waits by itself
    worker.keep_house(keeper, settings)
    worker.keep_house(keeper, settings)
    assert calls.count(faulty) == 2


def test_the_pause_doubles_and_has_an_end():
    assert [one_by_one.pause(faults) / timedelta(minutes=1) for faults in (1, 2, 3, 7, 8, 500)] == [
        1,
        2,
        4,
        64,
        120,
        120,
    ]
