"""The regions that a worker looks after, opened. Only the worker reads the storage credentials."""

import logging
import os
import socket
from collections.abc import Sequence

from models.base import database
from models.sub_account import Region, SubAccount
from services import regions
from services.clock import Clock
from services.secret import Vault
from services.settings import Settings
from services.site import Site
from services.storage import Backend, Storage, open_storage, read_credentials
from services.storage.region_file import RegionsBroken, configured

MOST = 16  # regions of one worker: three loops each, and a database connection for each loop

log = logging.getLogger("portal.worker")


def open_sites(settings: Settings, clock: Clock, names: Sequence[str] = ()) -> list[Site]:
    """All regions, or those of these names. Raises RegionsBroken with one sentence when one cannot be opened: a worker
    that left one out in silence would look as if it looked after it."""
    backends = configured(settings)
    chosen = _chosen(backends, names)
    if len(chosen) > MOST:
        raise RegionsBroken(f"a worker looks after {MOST} regions at most, not {len(chosen)}: start several (--region)")
    storages = [_opened(backend) for backend in chosen]
    with database.connection_context():
        for line in regions.enrol(backends, clock.now()):
            log.info(line)
        _warn_of_the_abandoned()
    return [_site(settings, clock, *pair) for pair in zip(chosen, storages, strict=True)]


def open_site(settings: Settings, clock: Clock, storage: Storage | None = None) -> Site:
    """The first region alone; `storage`: what stands in its place."""
    backend = configured(settings)[0]
    return _site(settings, clock, backend, storage or _opened(backend))


def _chosen(backends: Sequence[Backend], names: Sequence[str]) -> list[Backend]:
    known = {backend.name: backend for backend in backends}
    if unknown := [name for name in names if name not in known]:
        raise RegionsBroken(f"no region is called {unknown[0]!r}; there are: {', '.join(known)}")
    return [backend for backend in backends if backend.name in names or not names]


def _opened(backend: Backend) -> Storage:
    try:
        credentials = read_credentials(backend.credentials_file) if backend.credentials_file else None
        return open_storage(backend.address, credentials)
    except ValueError as failure:
        raise RegionsBroken(f"region {backend.name!r}: {failure}") from None


def _site(settings: Settings, clock: Clock, backend: Backend, storage: Storage) -> Site:
    with database.connection_context():
        region = regions.describe(backend.name, storage)
    owner, most = f"{socket.gethostname()}:{os.getpid()}", settings.deletions_per_hour
    return Site(region, storage, Vault(settings.data_keys), clock, owner, deletions_per_hour=most)


def _warn_of_the_abandoned() -> None:
    """Sub-accounts whose region is configured no more keep all they have, but nothing of them is followed."""
    for region in Region.select().where(Region.removed_at.is_null(False)).order_by(Region.name):
        left = SubAccount.select().where(SubAccount.region == region, SubAccount.phase != "deleted").count()
        if left:
            log.error(
                "region %s is not configured, but sub-accounts live there: %d. Nobody looks after them until it is "
                "configured again under this name", region.name, left,
            )  # fmt: skip
