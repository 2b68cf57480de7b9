"""The same form twice is one act: the second time it gets the first answer."""

import pytest
from peewee import IntegrityError

from models.base import write_tx
from models.outbox import OneTimeKey
from services import once
from services.once import KeyReused


@pytest.fixture
def alice(cast, acting):
    return acting(cast.alice)


def test_a_new_key_has_no_answer_yet(alice):
    assert once.earlier_answer(alice, "key", "content") is None


def test_the_same_key_and_content_get_the_first_answer(alice):
    with write_tx():
        once.remember(alice, "key", "content", "batch-1")
    assert once.earlier_answer(alice, "key", "content") == "batch-1"


def test_the_same_key_with_other_content_is_refused(alice):
    with write_tx():
        once.remember(alice, "key", "content", "batch-1")
    with pytest.raises(KeyReused, match="other values"):
        once.earlier_answer(alice, "key", "other content")


def test_keys_belong_to_the_person_who_sent_them(alice, cast, acting):
    """A member and an operator of the same number are two persons."""
    with write_tx():
        once.remember(alice, "key", "content", "batch-1")
    assert once.earlier_answer(acting(cast.bob), "key", "content") is None
    assert cast.olga.id == cast.alice.id
    assert once.earlier_answer(acting(cast.olga), "key", "content") is None


def test_the_database_keeps_a_key_once(alice):
    with write_tx():
        once.remember(alice, "key", "content", "batch-1")
    with pytest.raises(IntegrityError), write_tx():
        once.remember(alice, "key", "content", "batch-2")
    assert OneTimeKey.get().answer == "batch-1"


def test_content_is_kept_as_a_digest_only(alice, clock):
    with write_tx():
        once.remember(alice, "key", "a private thought", "batch-1")
    row = OneTimeKey.get()
    assert "private" not in str(row.__data__)
    assert row.created_at == clock.now()
