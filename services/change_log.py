"""The public log of changes to the portal (T5): what came with a release, and what the provider adds.

It is a list in the database and not the changes of the source code: partners read it in their language, it tells of
this provider's portal and day, and an operator can write into it what no release knows, such as a feature that ends.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from models.base import locked, write_tx
from models.terms import PortalChange
from services import once
from services.audit import Act, record
from services.clock import local_day
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

LONGEST = 1_000
NEWEST = 200
# in the order in which they came; each is a text in every language, templates/changes/<code>.<language>.txt
SHIPPED = (
    "partners",
    "allocation",
    "keys",
    "usage",
    "pause-and-delete",
    "documents",
    "company-details",
    "notices",
    "requests",
    "end-customers",
    "data-export",
    "closing",
)
LANGUAGES = ("en", "de")

_FOLDER = Path(__file__).resolve().parent.parent / "templates" / "changes"


class ChangeRefused(Refusal):
    """The log stays as it is."""


def shipped(code: str) -> dict[str, str]:
    """Language -> what a release says of itself."""
    return {name: (_FOLDER / f"{code}.{name}.txt").read_text(encoding="utf-8").strip() for name in LANGUAGES}


def publish_shipped(act: Act, settings: Settings) -> list[str]:
    """Writes what this release brings, under the day on which it came here; once. Returns a line for each entry."""
    today = local_day(act.at, settings.provider.time_zone)
    with write_tx():
        known = {row.code for row in PortalChange.select(PortalChange.code)}
        fresh = [code for code in SHIPPED if code not in known]
        for code in fresh:
            row = PortalChange.create(
                code=code, changed_on=today, texts=shipped(code), author="shipped with the portal", created_at=act.at
            )
            record(act, "portal_change.added", row, after={"code": code})
    return [f"change log: {code}" for code in fresh]


def listed() -> list[PortalChange]:
    """The newest first, at most NEWEST."""
    newest = PortalChange.select().order_by(PortalChange.changed_on.desc(), PortalChange.id.desc())
    return list(newest.limit(NEWEST))


def text_in(row: PortalChange, language: str) -> tuple[str, str]:
    """The words and their language: the reader's, else English, else any."""
    found = next((code for code in (language, "en", *row.texts) if row.texts.get(code)), "")
    return row.texts.get(found, ""), found


def entry(change_id: int) -> PortalChange:
    """Raises NotFound."""
    row = PortalChange.get_or_none(PortalChange.id == change_id)
    if row is None:
        raise NotFound
    return row


def add(act: Act, changed_on: date, texts: Mapping[str, str], once_key: str) -> PortalChange:
    """A new entry, in every language. Raises ChangeRefused with the field; the same form sent twice adds one."""
    kept = _checked(texts)
    with write_tx():
        content = f"{changed_on} {sorted(kept.items())}"
        earlier = once.earlier_answer(act, once_key, content) if once_key else None
        if earlier is not None:
            return entry(int(earlier))
        row = PortalChange.create(changed_on=changed_on, texts=kept, author=act.actor_name, created_at=act.at)
        record(act, "portal_change.added", row, after={"changed_on": str(changed_on), **kept})
        if once_key:
            once.remember(act, once_key, content, str(row.id))
    return row


def correct(act: Act, change_id: int, seen: int, changed_on: date, texts: Mapping[str, str]) -> PortalChange:
    """Other words or another day; what stood there before stays in the trail. Raises ChangeRefused, also when somebody
    else was faster, NotFound."""
    kept = _checked(texts)
    with write_tx():
        row = locked(PortalChange.select().where(PortalChange.id == change_id)).first()
        if row is None:
            raise NotFound
        if row.revision != seen:
            raise ChangeRefused(N_("Somebody else changed this entry meanwhile. Look at it again, then save."))
        before = {"changed_on": str(row.changed_on), **row.texts}
        row.changed_on, row.texts, row.revision = changed_on, kept, row.revision + 1
        row.save(only=["changed_on", "texts", "revision"])
        record(act, "portal_change.corrected", row, before=before, after={"changed_on": str(changed_on), **kept})
    return row


def _checked(texts: Mapping[str, str]) -> dict[str, str]:
    kept = {language: text.strip() for language, text in texts.items()}
    for language, text in kept.items():
        if not text:
            raise ChangeRefused(N_("Say it in every language."), f"text_{language}")
        if len(text) > LONGEST:
            raise ChangeRefused(N_("Enter at most %(most)s characters."), f"text_{language}", most=LONGEST)
    return kept


def languages_of(settings: Settings, row: PortalChange | None = None) -> Sequence[str]:
    """In which languages an entry is written: those of the installation, and those that it has already."""
    return list(dict.fromkeys((*settings.locales, *(row.texts if row else ()))))
