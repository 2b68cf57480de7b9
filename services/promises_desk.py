"""The `check` command: every question that can be asked from here."""

from collections.abc import Iterator
from itertools import zip_longest

from models.sub_account import Region
from services.clock import Clock
from services.promises import Violation, check
from services.promises_there import check_there
from services.settings import Settings
from services.storage import Backend, Storage, StorageError, open_storage, read_credentials
from services.storage.region_file import RegionsBroken, configured


class NotAsked(Exception):
    """The storage service could not be asked, so nothing is known of it; the text says why."""


def ask(
    settings: Settings, clock: Clock, *, storage: bool = False, service: Storage | None = None
) -> Iterator[Violation]:
    """Yields what does not hold. With `storage` every region's service is compared too (`service`: one that is open
    already, for the first). Raises NotAsked at the end when one could not be: the others were compared nevertheless."""
    yield from check(clock.now())
    if not storage:
        return
    try:
        backends = configured(settings)
    except RegionsBroken as failure:
        raise NotAsked(f"the storage service was not compared: {failure}") from failure
    failures = []
    for backend, opened in zip_longest(backends, [service] if service else []):
        try:
            yield from _compared(backend, opened)
        except NotAsked as failure:
            failures.append(str(failure))
    if failures:
        raise NotAsked("; ".join(failures))


def _compared(backend: Backend, service: Storage | None) -> Iterator[Violation]:
    region = Region.get_or_none(Region.name == backend.name)
    if region is None:
        raise NotAsked(f"the region {backend.name} is not known here: run init first")
    try:
        yield from check_there(region, service or _opened(backend))
    except (OSError, ValueError, StorageError) as failure:
        raise NotAsked(f"the storage service of {backend.name} was not compared: {failure}") from failure


def _opened(backend: Backend) -> Storage:
    credentials = read_credentials(backend.credentials_file) if backend.credentials_file else None
    return open_storage(backend.address, credentials)
