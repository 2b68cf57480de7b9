"""Makes a database ready for use: tables, legal documents, the region."""

from models import schema
from models.base import database, write_tx
from models.sub_account import Region
from services import documents
from services.audit import Act
from services.clock import Clock
from services.settings import Settings
from services.storage import parse_address


def prepare(settings: Settings, clock: Clock) -> list[str]:
    """Brings the database to this release; may be repeated. Returns one line for each thing done."""
    lines = [f"applied {name}" for name in schema.migrate()]
    address = parse_address(settings.storage_url)
    with database.connection_context(), write_tx():
        act = Act(at=clock.now(), actor_name="installation", source="cli")
        lines += documents.publish_shipped(act, settings) or []
        region, made = Region.get_or_create(name=settings.storage_region)
        region.endpoint, region.s3_region = address.endpoint, address.region
        region.hard_quota = address.capabilities.hard_quota
        region.quota_delay_seconds = address.capabilities.quota_delay_seconds
        region.save(only=["endpoint", "s3_region", "hard_quota", "quota_delay_seconds"])
        if made:
            lines.append(f"region {settings.storage_region} at {address.endpoint}")
    return lines or ["the database is up to date"]
