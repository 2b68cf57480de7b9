"""The `check` command: every question that can be asked from here."""

from collections.abc import Iterator

from models.sub_account import Region
from services.clock import Clock
from services.promises import Violation, check
from services.promises_there import check_there
from services.settings import Settings
from services.storage import Storage, StorageError, open_storage, read_credentials


class NotAsked(Exception):
    """The storage service could not be asked, so nothing is known of it; the text says why."""


def ask(
    settings: Settings, clock: Clock, *, storage: bool = False, service: Storage | None = None
) -> Iterator[Violation]:
    """Yields what does not hold. With `storage` the region's service is compared too (`service`: one that is open
    already). Raises NotAsked when it cannot be."""
    yield from check(clock.now())
    if not storage:
        return
    region = Region.get_or_none(Region.name == settings.storage_region)
    if region is None:
        raise NotAsked(f"the region {settings.storage_region} is not known here: run init first")
    try:
        yield from check_there(region, service or _opened(settings))
    except StorageError as failure:
        raise NotAsked(f"the storage service was not compared: {failure}") from failure


def _opened(settings: Settings) -> Storage:
    try:
        credentials = read_credentials(settings.storage_credentials) if settings.storage_credentials else None
        return open_storage(settings.storage_url, credentials)
    except (OSError, ValueError) as failure:
        raise NotAsked(f"the storage service was not compared: {failure}") from failure
