"""Makes a database ready for use: tables, legal documents, the regions."""

from models import schema
from models.base import database, write_tx
from services import change_log, documents, regions, remote_names
from services.audit import Act
from services.clock import Clock
from services.settings import Settings
from services.storage.region_file import configured


def prepare(settings: Settings, clock: Clock) -> list[str]:
    """Brings the database to this release; may be repeated. Returns one line for each thing done. Raises RegionsBroken
    before anything is done."""
    backends = configured(settings)
    lines = [f"applied {name}" for name in schema.migrate()]
    with database.connection_context(), write_tx():
        act = Act(at=clock.now(), actor_name="installation", source="cli")
        lines += documents.publish_shipped(act, settings) or []
        lines += change_log.publish_shipped(act, settings)
        lines += regions.enrol(backends, act.at)
        remote_names.own_prefix()
    return lines or ["the database is up to date"]
