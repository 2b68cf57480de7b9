"""What is looked at before the portal works: can this database keep its word, and do the data keys fit it?"""

from models.base import database, is_sqlite, write_tx
from models.recovery import Home
from services import log_lines, restored
from services.audit import Act
from services.clock import Clock
from services.command_line import NotDone
from services.secret import SealBroken, Secret, Vault
from services.settings import Settings

PROBE = "the data key of this database"
SQLITE_DURABLE = (2, 3)  # FULL and EXTRA: each commit waits for the disk
POSTGRES_LOSES = {
    "synchronous_commit": "the last commits before a power cut may be lost",
    "fsync": "a power cut may destroy the database",
    "full_page_writes": "a power cut may destroy pages of the database",
}


class CannotStart(NotDone):
    """The portal must not work like this."""


def prepare(settings: Settings, clock: Clock) -> list[str]:
    """Call with an open connection, before the first request or step. Returns a line for each thing worth knowing.

    Raises CannotStart when no data key opens what the database holds, and in production when an acknowledged change
    could be lost in a power cut."""
    log_lines.set_up()
    weak = list(durability())
    if weak and settings.production:
        raise CannotStart(f"{weak[0]}. Change that, then start again: docs/operations.md says how.")
    fit_keys(settings)
    return weak + restored.notice(Act(at=clock.now(), actor_name="installation", source="cli"))


def durability() -> list[str]:
    """What the open database does not keep through a power cut."""
    if is_sqlite():
        level = database.pragma("synchronous")
        return [] if level in SQLITE_DURABLE else [f"SQLite's synchronous is {level}: the last commits may be lost"]
    shown = {name: database.execute_sql(f"SHOW {name}").fetchone()[0] for name in POSTGRES_LOSES}
    return [f"Postgres runs with {name} = off: {POSTGRES_LOSES[name]}" for name, on in shown.items() if on == "off"]


def fit_keys(settings: Settings) -> None:
    """The database holds something that only its data keys open. Raises CannotStart when none of the settings does."""
    vault = Vault(settings.data_keys)
    home = Home.get_or_none(Home.id == 1)
    if home is not None and home.probe_ct:
        try:
            vault.open(home.probe_ct)
        except SealBroken:
            raise CannotStart(
                "No key in PORTAL_DATA_KEYS opens the secrets in this database. Put the right key there. "
                "If it is lost, docs/operations.md says what to do."
            ) from None
        return
    with write_tx():
        Home.insert(id=1).on_conflict_ignore().execute()
        Home.update(probe_ct=vault.seal(Secret(PROBE))).where(Home.id == 1, Home.probe_ct.is_null()).execute()
