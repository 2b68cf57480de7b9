"""Legal documents: the shipped texts published once, what is in force when, and the archive (T1, T18, T22)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from models.base import write_tx
from models.terms import TermsVersion
from services import legal_text
from services.audit import Act, record
from services.refusal import NotFound
from services.settings import Settings

# flow_down binds customers, not partners: it is accepted or attested per sub-account (T2).
NOT_AT_SIGN_UP = ("flow_down",)
# What each person accepts or reads for themselves; all else a partner's administrator accepts for the company.
PERSONAL = ("privacy_notice",)
ORDER = ("portal_terms", "data_processing", "acceptable_use", "privacy_notice", "flow_down")
OPEN_STATES = ("published", "superseded")
BINDING = "en"


@dataclass(frozen=True)
class Entry:
    """One version in the archive: what it is called, since when it holds, in which languages it can be read."""

    kind: str
    label: str
    title: str
    effective_at: datetime
    published_at: datetime
    languages: tuple[str, ...]
    change_summary: str
    language: str


def publish_shipped(act: Act, settings: Settings) -> list[str]:
    """Publishes the shipped texts in the installation's languages, once: again, it finds them and does nothing.

    A kind of which the provider has published a version of its own is left alone, because a text from the product
    must not come into force over it. Returns a line for each text published. Raises ValueError when the settings lack
    a detail that the texts name.
    """
    languages = [language for language in settings.locales if language in legal_text.LANGUAGES]
    with write_tx():
        return [
            _publish(act, text)
            for kind in legal_text.KINDS
            for text in (legal_text.shipped(kind, language, _facts(settings)) for language in languages)
            if _is_new(text)
        ]


def in_force(language: str, at: datetime) -> list[TermsVersion]:
    """The text of every kind that holds at `at`, in ORDER; in `language` where the version has it, else in another."""
    newest = [_best(rows, language) for rows in _newest_of_each_kind(at).values()]
    return sorted(newest, key=lambda version: (_place(version.kind), version.kind))


def current(kind: str, language: str, at: datetime) -> TermsVersion | None:
    """The text of one kind that holds at `at`; None when there is none. Language as in `in_force`."""
    return next((version for version in in_force(language, at) if version.kind == kind), None)


def required_at_sign_up(language: str, at: datetime) -> list[TermsVersion]:
    """The texts that a partner accepts before it can use the portal, in the order in which they are shown."""
    return [
        version
        for version in in_force(language, at)
        if version.requires_acceptance and version.kind not in NOT_AT_SIGN_UP
    ]


def permalink(kind: str, label: str, language: str) -> TermsVersion:
    """A published text, in force or not any more. Raises NotFound, for drafts as well."""
    version = TermsVersion.get_or_none(kind=kind, label=label, language=language)
    if version is None or version.state not in OPEN_STATES:
        raise NotFound
    return version


def other_languages(version: TermsVersion) -> list[str]:
    """The languages beside its own in which this version was published."""
    rows = _published().where(TermsVersion.kind == version.kind, TermsVersion.label == version.label)
    return sorted(row.language for row in rows if row.language != version.language)


def archive(language: str, at: datetime) -> dict[str, list[Entry]]:
    """Kind -> its versions, newest first: those in force, those before, and those already announced (T22)."""
    found: dict[str, dict[str, list[TermsVersion]]] = {kind: {} for kind in ORDER}
    for version in _published().order_by(TermsVersion.effective_at.desc(), TermsVersion.id.desc()):
        found.setdefault(version.kind, {}).setdefault(version.label, []).append(version)
    return {kind: [_entry(rows, language) for rows in labels.values()] for kind, labels in found.items() if labels}


def label_in_force(entries: Iterable[Entry], at: datetime) -> str | None:
    """Which of a kind's versions holds at `at`; `entries` newest first."""
    return next((entry.label for entry in entries if entry.effective_at <= at), None)


def last_update(versions: Iterable[TermsVersion]) -> datetime | None:
    """When the newest of these texts came into force (T22)."""
    return max((version.effective_at for version in versions), default=None)


def _published():
    return TermsVersion.select().where(TermsVersion.state.in_(OPEN_STATES))


def _newest_of_each_kind(at: datetime) -> dict[str, list[TermsVersion]]:
    """Per kind the rows (one a language) of the version that came into force last; the greater id decides a tie."""
    newest: dict[str, list[TermsVersion]] = {}
    rows = _published().where(TermsVersion.effective_at <= at)
    for row in rows.order_by(TermsVersion.effective_at.desc(), TermsVersion.id.desc()):
        known = newest.setdefault(row.kind, [])
        if not known or known[0].label == row.label:
            known.append(row)
    return newest


def _best(rows: list[TermsVersion], language: str) -> TermsVersion:
    """The text in the reader's language, else the binding one, else any."""
    by_language = {row.language: row for row in rows}
    return by_language.get(language) or by_language.get(BINDING) or rows[0]


def _entry(rows: list[TermsVersion], language: str) -> Entry:
    best = _best(rows, language)
    languages = tuple(sorted(row.language for row in rows))
    return Entry(
        best.kind,
        best.label,
        best.title,
        best.effective_at,
        best.published_at,
        languages,
        best.change_summary,
        best.language,
    )


def _place(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _is_new(text: legal_text.LegalText) -> bool:
    others = TermsVersion.select().where(TermsVersion.kind == text.kind, TermsVersion.label != text.label)
    same = TermsVersion.select().where(
        TermsVersion.kind == text.kind, TermsVersion.label == text.label, TermsVersion.language == text.language
    )
    return not others.exists() and not same.exists()


def _publish(act: Act, text: legal_text.LegalText) -> str:
    version = TermsVersion.create(
        kind=text.kind,
        label=text.label,
        language=text.language,
        title=text.title,
        body=text.body,
        sha256=legal_text.digest(text.body),
        state="published",
        requires_acceptance=text.kind not in NOT_AT_SIGN_UP,
        author="shipped with the portal",
        published_at=act.at,
        effective_at=act.at,
    )
    record(
        act,
        "terms.published",
        version,
        after={"kind": text.kind, "label": text.label, "language": text.language, "sha256": version.sha256},
    )
    return f"published {text.kind} {text.label} ({text.language})"


def _facts(settings: Settings) -> dict[str, str]:
    provider = settings.provider
    own = {name: str(getattr(provider, name, "")) for name in legal_text.PLACEHOLDERS}
    return own | {"provider_name": provider.name, "binding_language": BINDING}
