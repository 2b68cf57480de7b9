"""One region as the worker sees it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.sub_account import Region
from services.audit import Act
from services.clock import Clock
from services.secret import Vault
from services.settings import Settings
from services.storage.contract import Storage


@dataclass
class Site:
    """The region's row, its storage, and what the worker needs beside. `owner` names this worker in leases.

    `comparison` is the one that is under way (services.drift), `measuring` what is being measured (services.usage).
    `deletions_per_hour`: of so many an hour the worker removes something unless a second person let them begin.
    """

    region: Region
    storage: Storage
    vault: Vault
    clock: Clock
    owner: str
    jitter: Callable[[float, float], float] = field(default=random.SystemRandom().uniform)
    deletions_per_hour: int = Settings.deletions_per_hour
    comparison: Any = None
    measuring: Any = None
    traffic_next_at: datetime | None = None
    key_use_next_at: datetime | None = None
    key_use_last_id: int = 0

    def again(self) -> "Site":
        """The same region for another loop, with a row of its own."""
        region, most = Region.get_by_id(self.region.id), self.deletions_per_hour
        return Site(region, self.storage, self.vault, self.clock, self.owner, self.jitter, most)

    def act(self) -> Act:
        return Act(at=self.clock.now(), actor_name="worker", source="worker")


@dataclass
class House:
    """What is done once, however many regions there are."""

    clock: Clock
    sweep_next_at: datetime | None = None
    attention_next_at: datetime | None = None
    keys_next_at: datetime | None = None
    reminders_next_at: datetime | None = None

    def act(self) -> Act:
        return Act(at=self.clock.now(), actor_name="worker", source="worker")
