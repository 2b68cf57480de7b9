"""Rules that keep promises are broken on purpose, and the kills show it: what never finds anything proves nothing."""

import secrets
from collections.abc import Callable

import pytest

from models.base import write_tx
from models.sub_account import SubAccount
from services import key_making, leases, once, provisioning
from services.secret import Secret
from tests.crash.client import Client
from tests.crash.test_stories import SECOND_DEATHS

pytestmark = pytest.mark.crash


def quota_noted_after_the_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "_reserve", lambda site, row, wanted_bytes: leases.hold(site, row))


def raises_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def reserve(site, row, wanted_bytes) -> None:
        leases.hold(site, row, observed_quota_bytes=max(wanted_bytes, row.observed_quota_bytes or 0))

    monkeypatch.setattr(provisioning, "_reserve", reserve)


def pair_sent_before_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(storage, vault, act, row, key) -> None:
        pair = "PP" + secrets.token_hex(9).upper(), Secret(secrets.token_urlsafe(30))
        storage.put_key(row.remote_uid, *pair)
        key_making._keep(vault, act, key, *pair)
        key_making._live(act, row, key)

    monkeypatch.setattr(key_making, "_import", make)


def unseen_pair_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(storage, vault, act, row, key, standing) -> None:
        pair = storage.new_key(row.remote_uid)
        key_making._keep(vault, act, key, pair.id, pair.secret)
        key_making._live(act, row, key)

    monkeypatch.setattr(key_making, "_make", make)


def answers_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "remember", lambda *arguments: None)


def answered_before_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Client.ask

    def early(client, request):
        with write_tx():
            return ask(client, request)

    monkeypatch.setattr(Client, "ask", early)


def leases_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_mine", lambda site, row: (SubAccount.id == row.id,))
    monkeypatch.setattr(leases, "_unchanged", lambda row: SubAccount.id == row.id)


LONGEST_LINE = 160
BREAKS: list[tuple[Callable, str, str]] = [
    (quota_noted_after_the_raise, "capacity", "holds more than noted"),
    (raises_do_not_wait, "capacity", "the service held"),
    (pair_sent_before_it_is_kept, "keys", "other keys there"),
    (unseen_pair_stays, "keys made there", "other keys there"),
    (answers_are_not_remembered, "capacity", "already called"),
    (answered_before_the_commit, "capacity", "was acknowledged and is gone"),
]


@pytest.mark.parametrize(("break_it", "name", "words"), BREAKS, ids=[case[0].__name__ for case in BREAKS])
def test_what_is_broken_on_purpose_is_found(tell, monkeypatch, engine, break_it, name, words, record_property):
    story = tell(name)
    break_it(monkeypatch)
    found: list[str] = []
    for point in range(1, story.points + 1):
        try:
            story.kill_at(point, 1 + point * 7 % SECOND_DEATHS)
        except AssertionError as failure:
            found.append(f"point {point}: {failure}")
        found += story.lives.tally.violations
        if any(words in text for text in found):
            break
    noticed(found, words, break_it, engine, record_property)


def test_a_worker_that_does_not_look_at_its_lease_is_found(tell, monkeypatch, engine, record_property):
    story, words = tell("capacity"), "has the quota"
    leases_are_not_compared(monkeypatch)
    call, found = 1, story.lives.tally.violations
    while not any(words in text for text in found):
        try:
            if not story.freeze_at(call):
                break
        except AssertionError as failure:
            found.append(f"call {call}: {failure}")
        call += 1
    noticed(found, words, leases_are_not_compared, engine, record_property)


def noticed(found: list[str], words: str, break_it: Callable, engine: str, record_property: Callable) -> None:
    told = next((text for text in found if words in text), "")
    at = max(0, told.find(words) - 60)
    line = told if len(told) < LONGEST_LINE else f"{told[:20]}… {told[at : at + LONGEST_LINE]}"
    record_property("noticed", {"database": engine, "broken": break_it.__name__, "found": " ".join(line.split())})
    assert told, found
