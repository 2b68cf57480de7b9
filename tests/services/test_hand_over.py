"""The link that hands a key over: once, for 48 hours, sealed so that only the link opens it."""

import threading
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.base import database
from models.sub_account import AccessKey, HandOver
from services import access_keys, hand_over, hand_over_links, key_rotation
from services.access_keys import KeyNotShown
from services.attempts import TooManyAttempts
from services.hand_over import HandOverClosed
from services.refusal import NotFound
from services.secret import SealBroken, Vault
from tests.cast import act_of
from tests.services.ground import trail, work
from tests.services.test_key_rotation import Rotation, everything_kept


@pytest.fixture
def rotation(ground):
    return Rotation(ground)


@pytest.fixture
def new(rotation) -> AccessKey:
    made = rotation.replace()
    work(rotation.site)
    return rotation.of(made)


@pytest.fixture
def link(rotation, settings):
    """Makes a link to a key; gives its token."""

    def make(key, session="session-a") -> str:
        northwind = rotation.ground.cast.northwind
        return hand_over.create(rotation.act(session), settings, northwind, rotation.row.number, key.id)[0]

    return make


@pytest.fixture
def open_it(acting, settings):
    return lambda token: hand_over.use(acting(None), settings, token)


def test_the_link_shows_the_pair_once(rotation, new, link, open_it, clock):
    token = link(new)
    clock.advance(hours=47)
    handed = open_it(token)
    assert rotation.probe((handed.access_key_id, handed.secret)) == "alive"
    with pytest.raises(HandOverClosed, match="already used"):
        open_it(token)
    row = rotation.of(new)
    assert (row.revealed_at, row.secret_ct, HandOver.get().sealed) == (clock.now(), None, None)


def test_looking_uses_nothing_up(new, link, open_it, clock):
    token = link(new)
    for _look in range(3):
        assert hand_over.look(token, clock.now()).access_key == new
    assert open_it(token).secret.reveal()


def test_it_lasts_48_hours_and_then_nothing_is_left(new, link, open_it, clock, acting, settings, engine):
    token = link(new)
    sealed = HandOver.get().sealed
    clock.advance(hours=48)
    with pytest.raises(HandOverClosed, match="time of this link is up"):
        open_it(token)
    assert (hand_over_links.end_expired(acting()), hand_over_links.end_expired(acting())) == (1, 0)
    from models.base import empty_log

    empty_log()
    assert sealed not in everything_kept(settings, engine)


def test_the_secret_waits_for_the_link_and_for_nobody_else(rotation, new, link, clock, acting, settings, engine):
    """After ten minutes the portal itself cannot show it: data key and database together do not open what waits."""
    token = link(new)
    clock.advance(minutes=10)
    access_keys.destroy_expired(acting())
    with pytest.raises(KeyNotShown):
        rotation.reveal(new)
    inner = Vault(settings.data_keys).open(HandOver.get().sealed)
    with pytest.raises(SealBroken):
        Vault(settings.data_keys).open(inner.reveal())
    assert token not in everything_kept(settings, engine)
    assert hand_over.use(acting(None), settings, token).secret.reveal() not in inner.reveal()


def test_a_new_link_withdraws_the_one_before(new, link, open_it):
    first, second = link(new), link(new)
    with pytest.raises(HandOverClosed, match="withdrawn"):
        open_it(first)
    assert open_it(second)


def test_it_is_withdrawn_when_the_secret_is_stored(rotation, new, link, open_it):
    token = link(new)
    rotation.reveal(new)
    access_keys.note_stored(rotation.act(), new.id)
    with pytest.raises(HandOverClosed, match="withdrawn"):
        open_it(token)


def test_it_is_withdrawn_when_the_key_is_switched_off(rotation, new, link, open_it):
    token = link(new)
    rotation.off(new)
    with pytest.raises(HandOverClosed, match="withdrawn"):
        open_it(token)


def test_it_is_withdrawn_by_whoever_may_make_one(rotation, new, link, open_it, clock, cast):
    token = link(new)
    clock.advance(hours=1)
    with pytest.raises(NotFound):
        hand_over.withdraw(act_of(cast.charlie, clock.now()), cast.contoso, rotation.row.number, new.id)
    assert HandOver.get().sealed
    for _ in range(2):
        hand_over.withdraw(rotation.act(), cast.northwind, rotation.row.number, new.id)
    with pytest.raises(HandOverClosed, match="withdrawn"):
        open_it(token)
    assert (HandOver.get().sealed, len(trail("hand_over.withdrawn"))) == (None, 1)


def test_a_key_that_waits_for_its_customer_is_not_taken_for_missed(rotation, new, link, clock):
    link(new)
    clock.advance(hours=1)
    with pytest.raises(key_rotation.KeyRefused, match="two keys already"):
        rotation.replace(once="again")
    clock.advance(hours=47)
    assert rotation.replace(once="again").id != new.id


def test_only_who_may_show_the_secret_makes_a_link(rotation, new, link, clock, settings, cast):
    with pytest.raises(KeyNotShown):
        link(new, "session-b")
    with pytest.raises(NotFound):
        hand_over.create(rotation.act(), settings, cast.contoso, rotation.row.number, new.id)
    clock.advance(minutes=10)
    with pytest.raises(KeyNotShown, match="no longer be handed over"):
        link(new)


def test_the_first_key_is_handed_over_too(ground, link, open_it, rotation, settings):
    AccessKey.update(revealed_at=None, reveal_session_hash="").execute()
    token = link(rotation.first)
    handed = open_it(token)
    assert rotation.probe((handed.access_key_id, handed.secret)) == "alive"
    with pytest.raises(KeyNotShown):
        rotation.reveal(rotation.first)


def test_after_a_hand_over_the_old_key_can_be_switched_off(rotation, new, link, open_it):
    open_it(link(new))
    rotation.off(rotation.first)
    assert rotation.of(rotation.first).wanted == "inactive"


def test_of_two_at_the_same_moment_one_sees_the_secret(new, link, acting, settings):
    token, seen, refused = link(new), [], []

    def press():
        try:
            with database.connection_context():
                seen.append(hand_over.use(acting(None), settings, token))
        except HandOverClosed as closed:
            refused.append(closed)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seen), len(refused)) == (1, 3)


def test_guessing_is_slowed_down(open_it, cast):
    for _guess in range(20):
        with pytest.raises(NotFound):
            open_it("x" * 43)
    with pytest.raises(TooManyAttempts):
        open_it("x" * 43)


def test_each_step_is_in_the_trail_and_no_secret_is(rotation, new, link, open_it, clock, acting):
    link(new)
    handed = open_it(link(new))
    found = list(AuditEvent.select().where(AuditEvent.action.startswith("hand_over.")).order_by(AuditEvent.id))
    wanted = ["hand_over.created", "hand_over.withdrawn", "hand_over.created", "hand_over.used"]
    assert [event.action for event in found] == wanted
    assert all(event.after["access_key_id"] == new.access_key_id for event in found)
    assert handed.secret.reveal() not in str([event.after for event in found])


def test_48_hours_is_what_the_page_says():
    assert timedelta(hours=48) == hand_over.VALID_FOR
