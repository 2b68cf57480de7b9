"""Keys wait for the customer's agreement, where the provider wants it so; nothing that works is stopped."""

import pytest

from models.sub_account import AccessKey, SubAccount
from services import access_keys, flow_down_keys, hand_over, key_rotation, key_rules, policy, promises
from services.access_keys import KeyNotShown
from services.flow_down_work import tend
from services.hand_over import HandOverClosed
from services.key_rules import KeyRefused
from services.site import House
from tests.services.flow_downs import Agreements
from tests.services.ground import KEY_IMPORT, WatchedStorage, fresh, work


@pytest.fixture
def agreements(ground) -> Agreements:
    return Agreements(ground)


@pytest.fixture
def wanted(agreements, cast):
    """The provider's rule, on or off."""

    def switch(on: bool) -> None:
        policy.change(agreements.act(cast.olga), {"flow_down_before_keys": on})

    switch(True)
    return switch


def key_of(account: SubAccount, origin: str = "initial") -> AccessKey:
    return AccessKey.get(AccessKey.sub_account == account, AccessKey.origin == origin)


@KEY_IMPORT
def test_without_agreement_everything_is_set_up_but_the_key(agreements, wanted, ground, key_import):
    site = ground.site(WatchedStorage(key_import=key_import))
    account = agreements.opened("Müller GmbH")
    work(site)
    assert fresh(account).settled and fresh(account).phase == "ready" and key_of(account).phase == "pending"
    assert site.storage.read_account(account.remote_uid).keys == ()
    assert work(site) == 0
    agreements.accept(account)
    work(site)
    assert key_of(account).phase == "live" and len(site.storage.read_account(account.remote_uid).keys) == 1


def test_a_key_that_waits_is_no_forgotten_work(agreements, wanted, site, clock):
    account = agreements.opened("Müller GmbH")
    work(site)
    clock.advance(hours=5)
    assert [found for found in promises.check(clock.now()) if found.promise == "jobs" and "key" in found.text] == []
    wanted(False)
    assert [str(found) for found in promises.check(clock.now()) if f"key {key_of(account).id} " in found.text] != []
    flow_down_keys.let_go_all(agreements.act())
    work(site)


def test_the_partner_s_word_lets_the_key_go_as_well(agreements, wanted, site):
    account = agreements.opened("Müller GmbH")
    work(site)
    agreements.attest(account)
    work(site)
    assert key_of(account).phase == "live"


def test_when_the_rule_is_switched_off_waiting_keys_are_made(agreements, wanted, site, settings, clock):
    account = agreements.opened("Müller GmbH")
    work(site)
    wanted(False)
    house = House(clock)
    tend(house, settings)
    work(site)
    assert key_of(account).phase == "live"
    assert flow_down_keys.let_go_all(agreements.act()) == 0


def test_an_agreement_in_the_worst_moment_is_found_later(agreements, wanted, site, settings, clock):
    """The worker saw no agreement and notes that all is done, right after the customer agreed."""
    account = agreements.opened("Müller GmbH")
    work(site)
    SubAccount.update(phase="provisioning").where(SubAccount.id == account.id).execute()
    agreements.accept(account)
    SubAccount.update(phase="ready").where(SubAccount.id == account.id).execute()
    assert work(site) == 0 and key_of(account).phase == "pending"
    tend(House(clock), settings)
    work(site)
    assert key_of(account).phase == "live"


def test_a_paused_one_gets_no_key_by_an_agreement(agreements, wanted, site, clock, cast):
    from services import sub_account_life

    account = agreements.opened("Müller GmbH")
    work(site)
    sub_account_life.suspend(agreements.act(), cast.northwind, account.number)
    work(site)
    agreements.accept(account)
    work(site)
    assert key_of(account).phase == "pending" and fresh(account).phase == "suspended"
    sub_account_life.resume(agreements.act(), cast.northwind, account.number)
    work(site)
    assert key_of(account).phase == "live"


def test_a_key_that_is_there_is_neither_shown_nor_handed_over_nor_replaced_but_goes_on(
    agreements, wanted, site, settings, cast
):
    wanted(False)
    account = agreements.opened("Müller GmbH")
    work(site)
    wanted(True)
    key, act = key_of(account), agreements.act()
    assert key.phase == "live"
    with pytest.raises(KeyNotShown, match="Keys wait"):
        access_keys.reveal(act, settings, key.id)
    with pytest.raises(KeyNotShown, match="Keys wait"):
        hand_over.create(act, settings, cast.northwind, account.number, key.id)
    with pytest.raises(KeyRefused, match="Keys wait"):
        key_rotation.replace(act, cast.northwind, account.number, key.id, "once-replace")
    [offer] = key_rules.offers(act, fresh(account), access_keys.own_keys(cast.northwind, account))
    assert offer.held and not (offer.may_show or offer.may_replace or offer.may_hand_over)
    remote = site.storage.read_account(account.remote_uid)
    assert remote.keys[0].active and work(site) == 0
    agreements.accept(account)
    assert access_keys.reveal(agreements.act(), settings, key.id)


def test_a_hand_over_link_from_before_waits_too(agreements, wanted, site, settings, cast, clock):
    wanted(False)
    account = agreements.opened("Müller GmbH")
    work(site)
    token, _until_at = hand_over.create(agreements.act(), settings, cast.northwind, account.number, key_of(account).id)
    wanted(True)
    with pytest.raises(HandOverClosed, match="as soon as the terms"):
        hand_over.use(agreements.customer_s_act(), settings, token)
    agreements.accept(account)
    assert hand_over.use(agreements.customer_s_act(), settings, token).secret.reveal()


def test_agreement_to_the_version_before_counts_until_its_time_is_over(agreements, wanted, clock, cast):
    account = agreements.opened("Müller GmbH", "attested")
    agreements.publish("2.0")
    clock.advance(days=59)
    agreements.publish("3.0")
    assert not flow_down_keys.held(account.id, clock.now())
    clock.advance(days=1)
    assert flow_down_keys.held(account.id, clock.now())
    policy.change(agreements.act(cast.olga), {"flow_down_renewal_days": 61})
    assert not flow_down_keys.held(account.id, clock.now())


def test_agreement_to_a_version_that_is_in_force_for_long_counts(agreements, wanted, clock):
    account = agreements.opened("Müller GmbH", "attested")
    clock.advance(days=700)
    assert not flow_down_keys.held(account.id, clock.now())


def test_while_the_rule_is_off_nobody_is_asked(agreements, account_without_agreement, clock, count_queries):
    with count_queries() as queries:
        assert not flow_down_keys.held(account_without_agreement.id, clock.now())
    assert queries.count == 1


@pytest.fixture
def account_without_agreement(agreements) -> SubAccount:
    return agreements.opened("Müller GmbH")


def test_agreement_to_a_version_that_is_new_counts_at_once(agreements, wanted, clock):
    clock.advance(days=1)
    agreements.publish("2.0")
    account = agreements.opened("Müller GmbH", "attested")
    assert not flow_down_keys.held(account.id, clock.now())
