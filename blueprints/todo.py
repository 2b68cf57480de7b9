"""What a member should do, on the home page: each area adds a function that says what is open there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from blueprints.access import Viewer


@dataclass(frozen=True)
class Todo:
    """One line: what to do, where, and until when (None: any time). `urgent` comes first and has a warning sign."""

    text: str
    url: str
    due_on: date | None = None
    urgent: bool = False


SOURCES: tuple[Callable[[Viewer, datetime], list[Todo]], ...] = ()


def todos(viewer: Viewer, at: datetime) -> list[Todo]:
    """All that is open for this member, urgent ones first, then by day."""
    found = [todo for source in SOURCES for todo in source(viewer, at)]
    return sorted(found, key=lambda todo: (not todo.urgent, todo.due_on or date.max))
