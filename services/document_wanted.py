"""What an operator may write into a draft of a legal document."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

from models.terms import TermsVersion
from services.refusal import N_, Refusal

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
LONGEST_BODY = 60_000
LONGEST_LINE = 200
LONGEST_TEXT = 2_000
LONGEST_GRACE_DAYS = 366


class DeskRefused(Refusal):
    """The draft stays as it is."""


class DeskStale(Refusal):
    """Somebody else changed, published or discarded the draft since this page was opened (409)."""

    def __init__(self) -> None:
        super().__init__(
            N_("Somebody else changed this draft meanwhile. What you wrote is still here: compare, then save.")
        )


@dataclass(frozen=True)
class Text:
    """One language of a draft: `body` is Markdown, summary and reason are plain sentences for partners."""

    title: str
    body: str
    change_summary: str
    reason: str


@dataclass(frozen=True)
class Wanted:
    """A draft as the form gives it. `effective_on`: the day at the provider's place from which it holds, None: as early
    as the notice allows. `by_click`: it needs a fresh click, else going on using the portal is enough."""

    label: str
    texts: Mapping[str, Text]
    by_click: bool
    required_by_law: bool
    effective_on: date | None
    grace_days: int


def check(kind: str, wanted: Wanted, rows: list[TermsVersion]) -> None:
    """Raises DeskRefused with the field that cannot be kept."""
    if not LABEL.fullmatch(wanted.label):
        raise DeskRefused(N_("Use up to 20 letters, digits, dots and hyphens, such as 1.1."), "label")
    others = TermsVersion.select().where(TermsVersion.kind == kind, TermsVersion.label == wanted.label)
    if others.where(TermsVersion.id.not_in([row.id for row in rows])).exists():
        raise DeskRefused(N_("There is a version with this number already."), "label")
    if not 0 <= wanted.grace_days <= LONGEST_GRACE_DAYS:
        raise DeskRefused(N_("Enter a number from %(least)s to %(most)s."), "grace_days", least=0, most=366)
    for language in (row.language for row in rows):
        text = wanted.texts[language]
        longest = {"title": LONGEST_LINE, "body": LONGEST_BODY, "change_summary": LONGEST_TEXT, "reason": LONGEST_TEXT}
        for name, value in asdict(text).items():
            if len(value) > longest[name]:
                raise DeskRefused(N_("Enter at most %(most)s characters."), f"{name}_{language}", most=longest[name])
            if name in ("title", "body") and not value.strip():
                raise DeskRefused(N_("This cannot be empty."), f"{name}_{language}")
