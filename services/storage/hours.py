"""Traffic is told by full hours."""

from datetime import datetime

from services.storage.contract import StorageRefused


def check_hours(from_at: datetime, to_at: datetime) -> None:
    """StorageRefused unless both are full hours in order: the usage log knows nothing finer."""
    for at in (from_at, to_at):
        if at.utcoffset() is None or (at.minute, at.second, at.microsecond) != (0, 0, 0):
            raise StorageRefused("traffic is kept by the hour: ask from one full hour to another")
    if from_at >= to_at:
        raise StorageRefused("traffic is asked for from an earlier hour to a later one")
