"""When keys were last used, where the storage service tells it: of sub-accounts whose key is being replaced, so that
one sees whether the old one can go."""

import logging
from datetime import timedelta

from peewee import fn

from models.base import write_tx
from models.sub_account import AccessKey, SubAccount
from services import regions
from services.site import Site
from services.storage.contract import StorageError, StorageUnavailable

EVERY = timedelta(minutes=5)
BATCH = 200

log = logging.getLogger("portal.worker")


def look(site: Site) -> int:
    """Asks for the keys of the region that have a second one beside them, a bounded number at a time; returns how many.
    Every few minutes."""
    now = site.clock.now()
    early = site.key_use_next_at is not None and now < site.key_use_next_at
    if early or not site.storage.capabilities.last_used or regions.resting(site.region, now):
        return 0
    keys = _pairs(site)
    more = len(keys) == BATCH
    site.key_use_last_id = keys[-1].id if more else 0
    site.key_use_next_at = now if more else now + EVERY
    asked = 0
    for key in keys:
        try:
            used_at = site.storage.last_used(key.sub_account.remote_uid, str(key.access_key_id))
        except StorageUnavailable as failure:
            regions.note_failure(site.region, now, str(failure))
            return asked
        except StorageError as failure:
            log.warning("the last use of a key of %s is not known: %s", key.sub_account.remote_uid, failure)
            continue
        except Exception:  # an answer that nobody foresaw about one key must not end the worker for all others
            log.exception("the last use of a key of %s cannot be read", key.sub_account.remote_uid)
            continue
        asked += 1
        if used_at is not None and used_at != key.last_used_at:
            with write_tx():
                values = {"last_used_at": used_at, "last_used_source": site.region.name}
                AccessKey.update(**values).where(AccessKey.id == key.id).execute()
    return asked


def _pairs(site: Site) -> list[AccessKey]:
    standing = AccessKey.phase.in_(("live", "inactive"))
    several = (
        AccessKey.select(AccessKey.sub_account)
        .where(standing)
        .group_by(AccessKey.sub_account)
        .having(fn.COUNT(AccessKey.id) > 1)
    )
    query = AccessKey.select(AccessKey, SubAccount).join(SubAccount)
    wanted = standing & (SubAccount.region == site.region) & AccessKey.sub_account.in_(several)
    return list(query.where(wanted, AccessKey.id > site.key_use_last_id).order_by(AccessKey.id).limit(BATCH))
