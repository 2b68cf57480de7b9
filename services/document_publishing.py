"""How a draft becomes a version that holds: submitted, approved by a second operator, published for a day to come.

Nothing has to run on that day: in force is the newest version whose time has come. The sweep only notes which ones
were superseded (domain.md, States).
"""

from datetime import datetime, timedelta
from functools import partial

from models.base import locked, write_tx
from models.terms import TermsVersion
from services import documents, legal_text, policy
from services.audit import Act, Change, record_many
from services.clock import local_day, midnight
from services.document_desk import Draft, authors_with, changeable, keep, newest_version
from services.document_wanted import DeskRefused
from services.one_by_one import each
from services.refusal import N_
from services.settings import Settings

# the agreement itself says that it changes only by agreement (Article 28(9) GDPR)
ONLY_BY_CLICK = ("data_processing",)


def submit(act: Act, settings: Settings, kind: str, seen: int) -> None:
    """Hands the draft to a second operator. Raises DeskStale, or DeskRefused for what is missing."""
    with write_tx():
        rows = changeable(kind, seen)
        _refuse_unfinished(rows)
        begins_at(rows[0], settings, act.at)
        keep(act, rows, submitted_at=act.at, note="", written_by=authors_with(rows[0], act))
        _record(act, "terms.submitted", rows)


def send_back(act: Act, kind: str, seen: int, note: str) -> None:
    """Back to its author, with what is to be changed. Raises DeskStale, or DeskRefused without a note."""
    if not note.strip() or len(note) > 2000:
        raise DeskRefused(N_("Write what is to be changed, in at most 2000 characters."), "note")
    with write_tx():
        rows = changeable(kind, seen)
        values = {
            "state": "draft",
            "submitted_at": None,
            "approved_at": None,
            "approver": "",
            "approver_operator": None,
        }
        keep(act, rows, note=note.strip(), **values)
        _record(act, "terms.sent_back", rows)


def approve(act: Act, kind: str, seen: int) -> None:
    """By somebody who has not worked on it. Raises DeskStale, or DeskRefused."""
    with write_tx():
        rows = changeable(kind, seen)
        if rows[0].state != "draft" or rows[0].submitted_at is None:
            raise DeskRefused(N_("This draft does not wait for an approval."))
        if may_not_approve(rows[0], int(act.actor_id)):
            raise DeskRefused(N_("You worked on this draft. Somebody else has to approve it."))
        who = {"approver": act.actor_name, "approver_operator": int(act.actor_id)}
        keep(act, rows, state="approved", approved_at=act.at, **who)
        _record(act, "terms.approved", rows)


def publish(act: Act, settings: Settings, kind: str, seen: int) -> Draft:
    """From now on no word of it changes; partners are told by the worker. Raises DeskStale, or DeskRefused when it was
    not approved or the day is too near."""
    with write_tx():
        rows = changeable(kind, seen)
        if rows[0].state != "approved":
            raise DeskRefused(N_("This draft was not approved yet."))
        starts_at = begins_at(rows[0], settings, act.at)
        asked = rows[0].requires_acceptance and kind not in documents.NOT_AT_SIGN_UP
        until_at = grace_ends_at(starts_at, rows[0].grace_days, settings) if asked else None
        held = documents.current(kind, rows[0].binding, starts_at)
        keep(
            act,
            rows,
            state="published",
            published_at=act.at,
            effective_at=starts_at,
            grace_until_at=until_at,
            supersedes=held.label if held else "",
        )
        _record(act, "terms.published", rows)
    return Draft({row.language: row for row in rows})


def may_not_approve(row: TermsVersion, operator_id: int) -> bool:
    return operator_id in row.written_by or operator_id == row.author_operator_id


def begins_at(row: TermsVersion, settings: Settings, at: datetime) -> datetime:
    """When the draft would come into force if it were published at `at`. Raises DeskRefused when its day is too near:
    partners are told `terms_notice_days` before, unless the law requires the change sooner; today means now then."""
    zone = settings.provider.time_zone
    earliest_at = earliest(row.required_by_law, settings, at)
    today = row.required_by_law and row.effective_at == midnight(local_day(at, zone), zone)
    starts_at = earliest_at if row.effective_at is None or today else row.effective_at
    _refuse_overtaken(row.kind, starts_at, zone)
    if starts_at < earliest_at:
        raise DeskRefused(
            N_("Partners have to be told in time: choose %(earliest_on)s or later, or leave the day empty."),
            "effective_on",
            earliest_on=local_day(earliest_at, zone),
        )
    return starts_at


def _refuse_overtaken(kind: str, starts_at: datetime, zone: str) -> None:
    """A version that is announced already would come into force over this one, which is newer."""
    later = TermsVersion.select().where(
        TermsVersion.kind == kind, TermsVersion.state == "published", TermsVersion.effective_at > starts_at
    )
    announced = later.order_by(TermsVersion.effective_at.desc()).first()
    if announced is not None:
        raise DeskRefused(
            N_("Version %(label)s is announced for %(announced_on)s already: choose that day or a later one."),
            "effective_on",
            label=announced.label,
            announced_on=local_day(announced.effective_at, zone),
        )


def grace_ends_at(starts_at: datetime, grace_days: int, settings: Settings) -> datetime:
    """At the same midnight so many days of the provider's calendar later, whatever the clocks do meanwhile."""
    zone = settings.provider.time_zone
    day = local_day(starts_at, zone)
    return starts_at + (midnight(day + timedelta(days=grace_days), zone) - midnight(day, zone))


def earliest(required_by_law: bool, settings: Settings, at: datetime) -> datetime:
    """The first midnight at the provider's place that leaves the time of notice; at once where the law requires it."""
    if required_by_law:
        return at
    zone = settings.provider.time_zone
    notice = at + timedelta(days=policy.current().terms_notice_days)
    day = midnight(local_day(notice, zone), zone)
    return day if day >= notice else midnight(local_day(notice, zone) + timedelta(days=1), zone)


def supersede(act: Act) -> list[str]:
    """Notes which published versions another has taken the place of. Returns a line for each version."""
    held = {version.kind: version.label for version in documents.in_force(documents.BINDING, act.at)}
    jobs = [(f"superseded versions of {kind}", partial(_supersede, act, kind, label)) for kind, label in held.items()]
    return [line for lines in each(act, jobs, list[str]()) for line in lines]


def _supersede(act: Act, kind: str, label: str) -> list[str]:
    gone = (TermsVersion.kind == kind) & (TermsVersion.label != label) & (TermsVersion.effective_at <= act.at)
    with write_tx():
        own = TermsVersion.select().where(gone, TermsVersion.state == "published").order_by(TermsVersion.id)
        rows = list(locked(own))
        if rows:
            TermsVersion.update(state="superseded").where(TermsVersion.id.in_([row.id for row in rows])).execute()
            _record(act, "terms.superseded", rows)
    return sorted({f"{kind} {row.label} is superseded by {label}" for row in rows})


def _refuse_unfinished(rows: list[TermsVersion]) -> None:
    if rows[0].state != "draft" or rows[0].submitted_at is not None:
        raise DeskRefused(N_("This draft was submitted already."))
    if rows[0].kind in ONLY_BY_CLICK and not rows[0].requires_acceptance:
        raise DeskRefused(N_("This document changes only by a fresh click: it says so itself."), "by_click")
    for row in rows:
        if not row.change_summary:
            raise DeskRefused(N_("Say in every language what changes, then submit."), f"change_summary_{row.language}")
        if not row.reason:
            raise DeskRefused(N_("Say in every language why it changes, then submit."), f"reason_{row.language}")
    texts = documents.texts_of(rows[0].kind, newest_version(rows[0].kind).label)
    if all(row.language in texts and row.sha256 == texts[row.language].sha256 for row in rows):
        raise DeskRefused(
            N_("No text differs from the newest version: change something first."), f"body_{rows[0].language}"
        )
    if any(legal_text.digest(row.body) != row.sha256 for row in rows):
        raise DeskRefused(N_("The text was changed outside of the portal. Open the draft and save it again."))


def _record(act: Act, action: str, rows: list[TermsVersion]) -> None:
    names = ("kind", "label", "language", "sha256")
    record_many(act, action, [Change(row, None, {name: getattr(row, name) for name in names}) for row in rows])
