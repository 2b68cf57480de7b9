"""How much of a contract may still be lowered at once, in words (T14)."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from blueprints import formats
from models.sub_account import SubAccount
from services.fair_use import Room

MOST_NAMED = 3


@dataclass(frozen=True)
class RoomShown:
    """`text` says what may be lowered beyond the member's wish, `beyond` that the wish needs an operator's yes."""

    text: str
    notes: tuple[str, ...]
    beyond: bool


def shown(room: Room, grown_bytes: int, lowered: Iterable[SubAccount]) -> RoomShown:
    """`grown_bytes`: by how much the wish changes the sum; `lowered`: the sub-accounts of which it takes something.
    What only moves capacity uses nothing up."""
    wanted_bytes = max(0, -grown_bytes)
    concerned = list(lowered) if wanted_bytes else []
    beyond = wanted_bytes > room.left_bytes or any(room.used_up(account.id) for account in concerned)
    return RoomShown(_text(room, wanted_bytes), tuple(_notes(room, concerned)), beyond)


def _text(room: Room, wanted_bytes: int) -> str:
    left_bytes = room.left_bytes - wanted_bytes
    if left_bytes < 0:
        return _(
            "This lowers %(over)s more than can be done at once. You can ask for it in the next step.",
            over=formats.bytes_text(-left_bytes),
        )
    amount = formats.bytes_text(left_bytes)
    if room.until_at is None:
        days = room.rules.fair_use_window_days
        return _("You may lower by %(amount)s within %(days)s days.", amount=amount, days=days)
    until_on = room.until_at.astimezone(formats.reader().zone).date()
    return _("You may lower by %(amount)s more until %(day)s.", amount=amount, day=formats.day(until_on))


def _notes(room: Room, concerned: list[SubAccount]) -> list[str]:
    """Those that were lowered most often come first; a whole board of them would bury the rest."""
    often = sorted(concerned, key=lambda account: -room.counts.get(account.id, 0))
    return [f"{account.name}: {count_text(room, account)}" for account in often[:MOST_NAMED]]


def count_text(room: Room, account: SubAccount) -> str:
    used, most = room.counts.get(account.id, 0), room.rules.fair_use_decreases
    days = room.rules.fair_use_window_days
    return _("%(used)s of %(most)s decreases within %(days)s days used", used=used, most=most, days=days)
