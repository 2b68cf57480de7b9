"""Keys on the storage service: one pair that works, whatever was lost on the way."""

import pytest
from cryptography.fernet import Fernet

from models.base import write_tx
from models.sub_account import AccessKey, SubAccount
from services.secret import SealBroken, Secret, Vault
from tests.services.ground import TB, WatchedStorage, converge, trail, work


def test_the_pair_is_kept_before_it_is_sent_and_sent_again_after_a_lost_answer(ground, site):
    row = ground.account("A", TB)
    site.storage.drop_answer("put_key")
    site.storage.fail("put_key", times=2)
    converge(site)
    sent = {(call.arguments[1], call.arguments[2]) for call in site.storage.called("put_key")}
    assert len(sent) == 1
    assert AccessKey.get(sub_account=row).phase == "live"


def test_a_key_whose_secret_nobody_saw_is_deleted(ground):
    storage = WatchedStorage(key_import=False)
    site = ground.site(storage)
    row = ground.account("A", TB)
    storage.drop_answer("new_key", times=2)
    converge(site)
    assert len(storage.called("new_key")) == 3
    assert len(storage.called("delete_key")) == 2
    assert list(storage._state[row.remote_uid].keys) == [AccessKey.get(sub_account=row).access_key_id]


@pytest.mark.parametrize("operation", ["put_key_active", "delete_key"])
def test_switching_and_deleting_a_key_survive_a_lost_answer(ground, site, operation):
    row = ground.account("A", TB)
    work(site)
    wanted, phase = ("inactive", "inactive") if operation == "put_key_active" else ("deleted", "deleted")
    site.storage.drop_answer(operation)
    with write_tx():
        AccessKey.update(wanted=wanted).where(AccessKey.sub_account == row).execute()
        SubAccount.update(generation=SubAccount.generation + 1, phase="updating").where(
            SubAccount.id == row.id
        ).execute()
    converge(site)
    assert AccessKey.get(sub_account=row).phase == phase
    assert [event.after for event in trail("access_key.applied")] == [{"phase": phase}]


def test_the_vault_of_another_installation_opens_nothing(ground, site):
    ground.account("A", TB)
    work(site)
    sealed = AccessKey.get().retained_ct
    with pytest.raises(SealBroken):
        Vault((Fernet.generate_key().decode(),)).open(sealed)
    assert isinstance(site.vault.open(sealed), Secret)
