"""What the member's form says: typed amounts, the figures seen, the choices made."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from blueprints.errors import words
from blueprints.formats import language
from blueprints.whole_numbers import whole
from models.contract import Contract
from services.allocation import Change
from services.capacity import CapacityRefused, parse_bytes

FIELD = re.compile(r"a-([0-9]{12})")


@dataclass
class Wish:
    """`wanted` holds bytes by number for every amount that could be read, `typed` what stood in the fields, `seen` the
    figures that the member saw when the page was made. `problems` are sentences by number. `reason` is a note
    for the ledger, `why` what an operator reads who is asked for the change."""

    seen_version: int
    once_key: str
    typed: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    below_use: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    why: str = ""

    @property
    def changed(self) -> dict[str, int]:
        """Amounts that differ from what the member saw, not from what others saved since."""
        return {number: amount for number, amount in self.wanted.items() if amount != self.seen.get(number)}

    def touched(self, number: str) -> bool:
        return number in self.changed or number in self.problems

    def change(self, number: str, below_use: bool) -> Change:
        return Change(number, self.wanted[number], below_use)

    def changes(self) -> list[Change]:
        return [self.change(number, number in self.below_use) for number in self.changed]


def nothing(contract: Contract) -> Wish:
    return Wish(contract.version, new_once_key())


def new_once_key() -> str:
    return secrets.token_urlsafe(16)


def read(form: Mapping[str, str]) -> Wish:
    """Reads the board's form. An amount that cannot be read becomes a problem beside its field."""
    wish = Wish(whole(form.get("version")) or 0, form.get("once") or new_once_key())
    wish.reason = form.get("reason", "").strip()[:500]
    wish.why = form.get("why", "").strip()
    for name in form:
        match = FIELD.fullmatch(name)
        if match:
            _read_row(wish, match[1], form)
    return wish


def _read_row(wish: Wish, number: str, form: Mapping[str, str]) -> None:
    text, unit = form[f"a-{number}"].strip()[:40], form.get(f"u-{number}", "GB")
    wish.typed[number] = (text, unit if unit in ("GB", "TB") else "GB")
    seen = whole(form.get(f"s-{number}"))
    if seen is not None:
        wish.seen[number] = seen
    if form.get(f"below-{number}") == "yes":
        wish.below_use.add(number)
    try:
        wish.wanted[number] = parse_bytes(text, unit, language())
    except CapacityRefused as refused:
        wish.problems[number] = words(refused)
