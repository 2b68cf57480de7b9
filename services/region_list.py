"""The regions as partners, operators and programs see them: from the rows that the worker keeps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.sub_account import Region


@dataclass(frozen=True)
class OfferedRegion:
    """`name`, `s3_url`, `iam_url` and `sts_url` as in the vendor's `integration/regions`; the others are ours.

    An empty address: customers have no such service there. `closed`: no new sub-accounts. `removed_at`: since when it
    is configured no more. `capabilities`: what `services.storage.contract.Capabilities` names, among it `hard_quota`
    ("immediate", "delayed" by `quota_delay_seconds`, "none"), `key_import`, `key_inactive`, `traffic`, `versions`.
    """

    name: str
    s3_url: str
    iam_url: str
    sts_url: str
    display_name: str
    place: str
    s3_region: str
    closed: bool
    removed_at: datetime | None
    capabilities: dict[str, Any]

    @property
    def label(self) -> str:
        """What people choose by."""
        return f"{self.display_name}, {self.place}" if self.place else self.display_name


def regions_offered(*, closed: bool = True, removed: bool = False) -> list[OfferedRegion]:
    """The configured regions in order of what people call them. `closed` False: those alone that take new sub-accounts;
    `removed`: also those that are configured no more."""
    query = Region.select()
    if not removed:
        query = query.where(Region.removed_at.is_null())
    if not closed:
        query = query.where(~Region.closed)
    return sorted(map(_offered, query), key=lambda region: (region.display_name.casefold(), region.name))


def _offered(region: Region) -> OfferedRegion:
    return OfferedRegion(
        name=region.name,
        s3_url=region.endpoint,
        iam_url=region.iam_url,
        sts_url=region.sts_url,
        display_name=region.title,
        place=region.place,
        s3_region=region.s3_region,
        closed=region.closed,
        removed_at=region.removed_at,
        capabilities=region.capabilities,
    )
