"""What the tests of deletion share: asking for one, letting its time come, objects of a customer."""

from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from services import deletion_guard, mail_sending, sub_account_life
from services.site import Site
from tests.services.ground import GB, Ground, fresh, work


def delete(ground: Ground, row: SubAccount, typed: str | None = None, person=None) -> SubAccount:
    name = row.name if typed is None else typed
    return sub_account_life.delete(ground.act(person), ground.settings, row.partner, row.number, name)


def restore(ground: Ground, row: SubAccount) -> SubAccount:
    return sub_account_life.restore(ground.act(), row.partner, row.number)


def asked(ground: Ground, site: Site, row: SubAccount) -> None:
    """It is asked for, the storage service has followed, and whoever is told of it by mail knows."""
    delete(ground, row)
    work(site)
    mail_sending.send_due(ground.settings, ground.clock.now())


def begun(ground: Ground, site: Site, row: SubAccount) -> SubAccount:
    """Its delay is over, and the worker has begun; no page is removed yet."""
    asked(ground, site, row)
    ground.clock.advance(days=ground.settings.deletion_days)
    assert deletion_guard.begin_due(site, ground.settings) == 1
    return fresh(row)


def store(site: Site, row: SubAccount, objects: int, size_bytes: int = GB) -> None:
    key = AccessKey.get(AccessKey.sub_account == row)
    secret = site.vault.open(key.retained_ct)
    for number in range(objects):
        site.storage.store(key.access_key_id, secret, row.main_bucket, f"object-{number}", size_bytes)


def deletion_of(row: SubAccount) -> Deletion:
    return Deletion.get(Deletion.sub_account == row)
