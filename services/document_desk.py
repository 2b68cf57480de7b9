"""Where a new version of a legal document is written: one draft of a kind, in all languages, by one or more operators.

Publishing is services.document_publishing. A draft counts its changes: who saves or decides names the count that was
seen, so that nobody overwrites or approves what somebody else has changed meanwhile.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from peewee import IntegrityError

from models.base import locked, write_tx
from models.terms import TermsVersion
from services import documents, legal_text, policy
from services.audit import Act, Change, record_many
from services.clock import local_day, midnight
from services.document_wanted import DeskRefused, DeskStale, Wanted, check
from services.refusal import N_, NotFound
from services.settings import Settings

WRITTEN = ("draft", "approved")


@dataclass(frozen=True)
class Draft:
    """The rows of a draft, by language; what they share is read from any."""

    rows: Mapping[str, TermsVersion]

    @property
    def any(self) -> TermsVersion:
        return next(iter(self.rows.values()))

    @property
    def kind(self) -> str:
        return self.any.kind

    @property
    def revision(self) -> int:
        return self.any.revision

    @property
    def step(self) -> str:
        """draft, submitted or approved."""
        return "submitted" if self.any.state == "draft" and self.any.submitted_at else self.any.state


def drafts() -> dict[str, Draft]:
    """Kind -> what is being written."""
    found: dict[str, dict[str, TermsVersion]] = {}
    for row in TermsVersion.select().where(TermsVersion.state.in_(WRITTEN)).order_by(TermsVersion.id):
        found.setdefault(row.kind, {})[row.language] = row
    return {kind: Draft(rows) for kind, rows in found.items()}


def draft(kind: str) -> Draft:
    """Raises NotFound when nothing is being written of this kind."""
    found = drafts().get(kind)
    if found is None:
        raise NotFound
    return found


def begin(act: Act, settings: Settings, kind: str) -> Draft:
    """A draft that starts as the newest published version, in every language of the installation. Raises NotFound for a
    kind without one, DeskRefused when one is being written already."""
    newest = newest_version(kind)
    texts = documents.texts_of(kind, newest.label)
    try:
        with write_tx():
            label, grace_days = _free_label(kind, newest.label), policy.current().terms_grace_days
            rows = [
                _copied(act, texts.get(language) or texts.get(newest.binding) or newest, language, label, grace_days)
                for language in (*settings.locales, *(code for code in texts if code not in settings.locales))
            ]
            _record(act, "terms.drafted", rows)
    except IntegrityError as taken:
        raise DeskRefused(N_("A new version of this document is being written already.")) from taken
    return draft(kind)


def edit(act: Act, settings: Settings, kind: str, seen: int, wanted: Wanted) -> Draft:
    """Saves the draft as a whole. What was submitted or approved is a draft again: nobody has approved the new words.
    Raises DeskStale, or DeskRefused with the field."""
    with write_tx():
        rows = changeable(kind, seen)
        check(kind, wanted, rows)
        before = {row.language: row.sha256 for row in rows}
        for row in rows:
            _fill(act, settings, row, wanted)
        _record(act, "terms.edited", [row for row in rows if row.sha256 != before[row.language]] or rows[:1])
    return draft(kind)


def discard(act: Act, kind: str, seen: int) -> None:
    """Takes the draft away; the trail keeps that it was there. Raises DeskStale."""
    with write_tx():
        rows = changeable(kind, seen)
        _record(act, "terms.discarded", rows)
        TermsVersion.delete().where(TermsVersion.id.in_([row.id for row in rows])).execute()


def changeable(kind: str, seen: int) -> list[TermsVersion]:
    """The draft's rows, locked. Call inside the write transaction. Raises DeskStale when `seen` is not its revision."""
    own = TermsVersion.select().where(TermsVersion.kind == kind, TermsVersion.state.in_(WRITTEN))
    rows: list[TermsVersion] = list(locked(own.order_by(TermsVersion.id)))
    if not rows or any(row.revision != seen for row in rows):
        raise DeskStale
    return rows


def keep(act: Act, rows: list[TermsVersion], **values: Any) -> None:
    """Writes what all languages share, and counts the change."""
    for row in rows:
        written = values | {"revision": row.revision + 1}
        for name, value in written.items():
            setattr(row, name, value)
        row.save(only=list(written))


def authors_with(row: TermsVersion, act: Act) -> list[int]:
    """Everybody who has worked on the draft, this operator too."""
    return sorted({*row.written_by, int(act.actor_id)})


def own_day(row: TermsVersion, settings: Settings) -> date | None:
    """The day from which the draft is to hold, at the provider's place."""
    return local_day(row.effective_at, settings.provider.time_zone) if row.effective_at else None


def next_label(label: str) -> str:
    """1.0 -> 1.1, 2026-own -> 2026-own-2."""
    counted = re.fullmatch(r"(.*?)(\d+)", label)
    return f"{counted[1]}{int(counted[2]) + 1}" if counted else f"{label}-2"


def newest_version(kind: str) -> TermsVersion:
    """The published version of a kind that holds last, announced ones included. Raises NotFound without one."""
    published = TermsVersion.select().where(TermsVersion.kind == kind, TermsVersion.state.in_(documents.OPEN_STATES))
    newest = published.order_by(TermsVersion.effective_at.desc(), TermsVersion.id.desc()).first()
    if newest is None:
        raise NotFound
    return newest


def _free_label(kind: str, label: str) -> str:
    taken = {row.label for row in TermsVersion.select(TermsVersion.label).where(TermsVersion.kind == kind)}
    while label in taken:
        label = next_label(label)
    return label


def _copied(act: Act, text: TermsVersion, language: str, label: str, grace_days: int) -> TermsVersion:
    return TermsVersion.create(
        kind=text.kind,
        label=label,
        language=language,
        title=text.title,
        body=text.body,
        sha256=legal_text.digest(text.body),
        requires_acceptance=text.requires_acceptance or text.kind in documents.NOT_AT_SIGN_UP,
        author=act.actor_name,
        author_operator=int(act.actor_id),
        written_by=[int(act.actor_id)],
        binding=text.binding,
        grace_days=grace_days,
    )


def _fill(act: Act, settings: Settings, row: TermsVersion, wanted: Wanted) -> None:
    text = wanted.texts[row.language]
    body = legal_text.canonical(text.body).decode()
    starts_at: datetime | None = None
    if wanted.effective_on is not None:
        starts_at = midnight(wanted.effective_on, settings.provider.time_zone)
    values = {name: value.strip() for name, value in asdict(text).items()} | {
        "body": body,
        "sha256": legal_text.digest(body),
        "label": wanted.label,
        "requires_acceptance": wanted.by_click,
        "required_by_law": wanted.required_by_law,
        "effective_at": starts_at,
        "grace_days": wanted.grace_days if wanted.by_click else 0,
        "state": "draft",
        "submitted_at": None,
        "approved_at": None,
        "approver": "",
        "approver_operator": None,
        "author": act.actor_name,
        "author_operator": int(act.actor_id),
        "written_by": authors_with(row, act),
    }
    keep(act, [row], **values)


def _record(act: Act, action: str, rows: list[TermsVersion]) -> None:
    names = ("kind", "label", "language", "sha256")
    record_many(act, action, [Change(row, None, {name: getattr(row, name) for name in names}) for row in rows])
