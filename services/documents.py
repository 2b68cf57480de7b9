"""Legal documents: the shipped texts published once, what is in force when, and the archive (T1, T18, T22)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.base import write_tx
from models.terms import TermsVersion
from services import legal_text, policy
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
BROUGHT = {
    "en": "The portal did not have this document before.",
    "de": "Dieses Dokument gab es im Portal bisher nicht.",
}


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
    reason: str
    requires_acceptance: bool
    supersedes: str


def publish_shipped(act: Act, settings: Settings) -> list[str]:
    """Publishes the shipped texts in the installation's languages, once: again, it finds them and does nothing.

    A kind of which the provider has published a version of its own is left alone, because a text from the product
    must not come into force over it. A kind that a running portal did not have before comes with the time of grace
    that the provider's rules name: nobody is stopped by an upgrade. Returns a line for each text published. Raises
    ValueError when the settings lack a detail that the texts name.
    """
    languages = [language for language in settings.locales if language in legal_text.LANGUAGES]
    facts = _facts(settings, binding_among(languages))
    with write_tx():
        grace_days = policy.current().terms_grace_days if _published().exists() else None
        return [
            _publish(act, text, grace_days)
            for kind in legal_text.KINDS
            for text in (legal_text.shipped(kind, language, facts) for language in languages)
            if _is_new(text)
        ]


def binding_among(languages: Iterable[str]) -> str:
    """The language whose text binds: English where the installation has it, else its first."""
    given = list(languages)
    return BINDING if BINDING in given or not given else given[0]


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


def announced(language: str, at: datetime) -> list[TermsVersion]:
    """Published texts that come into force after `at`, the next first; one row a version, language as in `in_force`."""
    coming: dict[tuple[str, str], list[TermsVersion]] = {}
    for row in _published().where(TermsVersion.effective_at > at).order_by(TermsVersion.effective_at, TermsVersion.id):
        coming.setdefault((row.kind, row.label), []).append(row)
    return [_best(rows, language) for rows in coming.values()]


def permalink(kind: str, label: str, language: str) -> TermsVersion:
    """A published text, in force or not any more. Raises NotFound, for drafts as well."""
    version = TermsVersion.get_or_none(kind=kind, label=label, language=language)
    if version is None or version.state not in OPEN_STATES:
        raise NotFound
    return version


def texts_of(kind: str, label: str) -> dict[str, TermsVersion]:
    """Language -> text of one published version. Raises NotFound, for drafts as well."""
    rows = _published().where(TermsVersion.kind == kind, TermsVersion.label == label)
    found = {row.language: row for row in rows.order_by(TermsVersion.language)}
    if not found:
        raise NotFound
    return found


def text_in(kind: str, label: str, language: str) -> TermsVersion:
    """One published version in this language, else in the binding one, else in any. Raises NotFound."""
    return _best(list(texts_of(kind, label).values()), language)


def label_before(version: TermsVersion) -> str | None:
    """The label of the version that held before this one; None for the first of its kind."""
    if version.supersedes:
        return version.supersedes
    earlier = (TermsVersion.effective_at < version.effective_at) | (
        (TermsVersion.effective_at == version.effective_at) & (TermsVersion.id < version.id)
    )
    others = _published().where(TermsVersion.kind == version.kind, TermsVersion.label != version.label, earlier)
    before = others.order_by(TermsVersion.effective_at.desc(), TermsVersion.id.desc()).first()
    return before.label if before else None


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
    return by_language.get(language) or by_language.get(rows[0].binding) or rows[0]


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
        best.reason,
        best.requires_acceptance,
        best.supersedes,
    )


def _place(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _is_new(text: legal_text.LegalText) -> bool:
    others = TermsVersion.select().where(TermsVersion.kind == text.kind, TermsVersion.label != text.label)
    same = TermsVersion.select().where(
        TermsVersion.kind == text.kind, TermsVersion.label == text.label, TermsVersion.language == text.language
    )
    return not others.exists() and not same.exists()


def _publish(act: Act, text: legal_text.LegalText, grace_days: int | None) -> str:
    """`grace_days` None: nobody uses the portal yet. A language that was added later stands beside its version."""
    beside = _published().where(TermsVersion.kind == text.kind, TermsVersion.label == text.label).first()
    asked = text.kind not in NOT_AT_SIGN_UP
    values: dict = {"effective_at": act.at, "told_at": act.at}
    if beside is not None:
        names = ("effective_at", "told_at", "grace_days", "grace_until_at")
        values = {name: getattr(beside, name) for name in names} | {"requires_acceptance": beside.requires_acceptance}
        values |= {"reason": BROUGHT[text.language] if beside.reason else ""}
    elif asked and grace_days is not None:
        until_at = act.at + timedelta(days=grace_days)
        values |= {"told_at": None, "grace_days": grace_days, "grace_until_at": until_at}
        values |= {"reason": BROUGHT[text.language]}
    row = {
        "kind": text.kind,
        "label": text.label,
        "language": text.language,
        "title": text.title,
        "body": text.body,
        "sha256": legal_text.digest(text.body),
        "state": "published",
        "requires_acceptance": asked,
        "author": "shipped with the portal",
        "published_at": act.at,
        "binding": text.binding,
    }
    version = TermsVersion.create(**row | values)
    named = {name: row[name] for name in ("kind", "label", "language", "sha256")}
    record(act, "terms.published", version, after=named)
    return f"published {text.kind} {text.label} ({text.language})"


def _facts(settings: Settings, binding: str) -> dict[str, str]:
    provider = settings.provider
    own = {name: str(getattr(provider, name, "")) for name in legal_text.PLACEHOLDERS}
    return own | {"provider_name": provider.name, "binding_language": binding}
