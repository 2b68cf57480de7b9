"""The first key: shown once, to one session, for ten minutes; the provider's copy stays sealed."""

from datetime import date, timedelta

import pytest

from models.audit import AuditEvent
from models.sub_account import AccessKey
from services import access_keys, sub_accounts
from services.access_keys import KeyNotShown
from services.refusal import NotFound
from services.secret import Secret, Vault
from services.sub_accounts import SubAccountWish

SECRET = "CANARY-one-secret-for-the-tests/+="


@pytest.fixture
def account(cast, acting, settings):
    wish = SubAccountWish(
        "RCP-1001", cast.region.name, "Müller GmbH", "", "Marta", "marta@example.com", "reserved", 10**12, False,
        "MSA-7", date(2026, 2, 1),
    )  # fmt: skip
    return sub_accounts.create(acting(cast.alice), settings, cast.northwind, wish, "once-1")


@pytest.fixture
def key(account, settings):
    """The key as the worker leaves it."""
    key = AccessKey.get(AccessKey.sub_account == account)
    key.access_key_id, key.phase = "PPKEYFORTESTS", "live"
    key.retained_ct = Vault(settings.data_keys).seal(Secret(SECRET))
    key.save()
    return key


@pytest.fixture
def reveal(cast, acting, settings, key):
    def reveal(who=None, session="session-a"):
        return access_keys.reveal(acting(who or cast.alice, session_hash=session), settings, key.id)

    return reveal


def test_the_first_reveal_shows_the_pair_and_is_audited_without_the_secret(reveal, key, clock):
    key_id, secret = reveal()
    assert (key_id, secret.reveal()) == ("PPKEYFORTESTS", SECRET)
    row = AccessKey.get_by_id(key.id)
    assert (row.revealed_at, row.revealed_by, row.reveal_session_hash) == (clock.now(), "Alice Adler", "session-a")
    event = AuditEvent.get(AuditEvent.action == "access_key.revealed")
    assert event.after == {"access_key_id": "PPKEYFORTESTS"}


def test_the_same_session_may_repeat_for_ten_minutes_and_each_time_is_audited(reveal, clock):
    reveal()
    clock.advance(minutes=10)
    assert reveal()[1].reveal() == SECRET
    assert AuditEvent.select().where(AuditEvent.action == "access_key.revealed").count() == 2
    clock.advance(seconds=1)
    with pytest.raises(KeyNotShown):
        reveal()


@pytest.mark.parametrize("session", ["session-b", ""])
def test_another_session_is_not_shown_what_was_shown(reveal, session):
    reveal()
    with pytest.raises(KeyNotShown):
        reveal(session=session)


def test_no_session_at_all_never_repeats(reveal):
    reveal(session="")
    with pytest.raises(KeyNotShown):
        reveal(session="")


def test_once_stored_it_is_never_shown_again_and_the_provider_s_copy_stays_sealed(reveal, key, acting, cast):
    reveal()
    access_keys.note_stored(acting(cast.alice), key.id)
    access_keys.note_stored(acting(cast.alice), key.id)
    with pytest.raises(KeyNotShown):
        reveal()
    row = AccessKey.get_by_id(key.id)
    assert row.stored_at is not None and SECRET not in row.retained_ct
    assert AuditEvent.select().where(AuditEvent.action == "access_key.stored").count() == 1


def test_the_copy_of_a_rotated_key_is_destroyed_when_it_is_stored(reveal, key, acting, cast, clock):
    until_at = clock.now() + timedelta(minutes=10)
    asked = {"asked_session_hash": "session-a", "reveal_until_at": until_at}
    AccessKey.update(origin="rotation", secret_ct=AccessKey.retained_ct, retained_ct=None, **asked).execute()
    reveal()
    access_keys.note_stored(acting(cast.alice), key.id)
    assert AccessKey.get_by_id(key.id).secret_ct is None


def test_a_key_cannot_be_stored_before_it_was_shown(key, acting, cast):
    with pytest.raises(KeyNotShown):
        access_keys.note_stored(acting(cast.alice), key.id)


@pytest.mark.parametrize("phase", ["pending", "inactive", "deleted", "attention"])
def test_a_key_that_is_not_live_is_not_shown(reveal, key, phase):
    AccessKey.update(phase=phase).where(AccessKey.id == key.id).execute()
    with pytest.raises(KeyNotShown):
        reveal()
    assert AccessKey.get_by_id(key.id).revealed_at is None


def test_without_its_data_key_a_secret_is_refused_in_words_and_stays_unshown(reveal, key):
    AccessKey.update(retained_ct="sealed with a key that is gone").where(AccessKey.id == key.id).execute()
    with pytest.raises(KeyNotShown):
        reveal()
    assert AccessKey.get_by_id(key.id).revealed_at is None


def test_the_page_offers_exactly_what_the_service_would_do(reveal, key, acting, cast, clock):
    def offered(session: str) -> bool:
        return access_keys.may_show(acting(cast.alice, session_hash=session), AccessKey.get_by_id(key.id))

    assert offered("session-a") and offered("session-b")
    reveal()
    assert offered("session-a") and not offered("session-b")
    clock.advance(minutes=11)
    assert not offered("session-a")


def test_only_the_owner_finds_a_key(account, key, cast):
    assert access_keys.own_key(cast.northwind, account.number, key.id) == key
    assert [found.id for found in access_keys.own_keys(cast.northwind, account)] == [key.id]
    assert access_keys.own_keys(cast.contoso, account) == []
    for partner, number, key_id in (
        (cast.contoso, account.number, key.id),
        (cast.northwind, "000000000000", key.id),
        (cast.northwind, account.number, key.id + 1),
    ):
        with pytest.raises(NotFound):
            access_keys.own_key(partner, number, key_id)


def test_ten_minutes_is_what_the_page_says():
    assert timedelta(minutes=10) == access_keys.SHOW_AGAIN_WITHIN
