"""Notices as staff write them: draft, publication, early end, correction by a new edition (T6)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from models.base import locked, write_tx
from models.notice import Notice, NoticeAcknowledgement, NoticePartner
from services import notice_drafts, once
from services.audit import Act, record
from services.notice_drafts import Draft, NoticeRefused
from services.refusal import N_, NotFound

PAGE_SIZE = 50
STATES = ("draft", "planned", "standing", "over")
COPIED = ("kind", "titles", "bodies", "audience", "chosen", "pinned", "asks", "blocks", "important", "asks_again")


@dataclass(frozen=True)
class NoticePage:
    """Newest first. `acknowledged`: how many did, by id. `before`: the id to go on from to older ones."""

    rows: list[Notice]
    acknowledged: dict[int, int] = field(default_factory=dict)
    before: int | None = None


def create(act: Act, draft: Draft, once_key: str) -> Notice:
    """A new draft. Raises NoticeRefused with the field, KeyReused."""
    columns = notice_drafts.columns(draft)
    with write_tx():
        if (earlier := once.earlier_answer(act, once_key, repr(draft))) is not None:
            return Notice.get_by_id(int(earlier))
        notice = Notice.create(**columns, state="draft", made_at=act.at, made_by=act.actor_name, changed_at=act.at)
        notice_drafts.choose(notice, draft.partner_ids)
        record(act, "notice.drafted", notice, after=notice_drafts.plain(notice))
        once.remember(act, once_key, repr(draft), str(notice.id))
    return notice


def change(act: Act, notice_id: int, draft: Draft, seen: str) -> Notice:
    """Changes a draft. `seen`: what `fingerprint` said when the form was made. Raises NotFound and NoticeRefused: also
    when a colleague changed it meanwhile, or it is published."""
    columns = notice_drafts.columns(draft)
    with write_tx():
        notice = _locked_draft(notice_id, seen)
        before = notice_drafts.plain(notice)
        columns["changed_at"] = _later(act, notice)
        for name, value in columns.items():
            setattr(notice, name, value)
        notice.save(only=list(columns))
        notice_drafts.choose(notice, draft.partner_ids)
        record(act, "notice.changed", notice, before=before, after=notice_drafts.plain(notice))
    return notice


def remove(act: Act, notice_id: int, seen: str) -> None:
    """Throws a draft away. Raises NotFound and NoticeRefused."""
    with write_tx():
        notice = _locked_draft(notice_id, seen)
        NoticePartner.delete().where(NoticePartner.notice == notice).execute()
        record(act, "notice.removed", notice, before=notice_drafts.plain(notice))
        notice.delete_instance()


def publish(act: Act, notice_id: int, seen: str, languages: Iterable[str]) -> Notice:
    """From its beginning on it stands, and its text never changes. A correction ends the edition before it at that
    moment. Raises NotFound, and NoticeRefused for a text that is missing in one of `languages`."""
    with write_tx():
        before = _lock_corrected(notice_id)
        notice = _locked_draft(notice_id, seen)
        notice_drafts.refuse_incomplete(notice, languages, act.at)
        notice.state, notice.published_at, notice.published_by = "published", act.at, act.actor_name
        notice.starts_at = max(notice.starts_at or act.at, act.at)
        notice.over_at = notice.ends_at
        # acknowledgements of the edition before count for this one, unless it asks again
        notice.asked_under = notice.id if before is None or notice.asks_again else before.asked_under_id
        notice.save(only=["state", "published_at", "published_by", "starts_at", "over_at", "asked_under"])
        if before is not None:
            before.over_at = min(before.over_at or notice.starts_at, notice.starts_at)
            before.save(only=[Notice.over_at])
        record(
            act,
            "notice.published",
            notice,
            after={**notice_drafts.plain(notice), "sha256": notice_drafts.digests(notice)},
        )
    return notice


def end(act: Act, notice_id: int) -> Notice:
    """Ends a published notice now; one that is only planned is taken back, and the edition before it goes on. Raises
    NotFound, and NoticeRefused when it is over already."""
    with write_tx():
        before = _lock_corrected(notice_id)
        notice = _locked(notice_id)
        if notice.state != "published" or (notice.over_at is not None and notice.over_at <= act.at):
            raise NoticeRefused(N_("This notice is over already, or was never published."))
        planned = notice.starts_at is not None and notice.starts_at > act.at
        notice.over_at, notice.ended_by = notice.starts_at if planned else act.at, act.actor_name
        notice.save(only=[Notice.over_at, Notice.ended_by])
        if planned and before is not None and not before.ended_by:
            before.over_at = before.ends_at
            before.save(only=[Notice.over_at])
        record(act, "notice.ended", notice, after={"ended_at": act.at})
    return notice


def correct(act: Act, notice_id: int) -> Notice:
    """A draft of the next edition, filled with what this one says; the open one, if there is one. Raises NotFound, and
    NoticeRefused for what is a draft itself or was corrected before."""
    with write_tx():
        old = _locked(notice_id)
        if old.state != "published":
            raise NoticeRefused(N_("A draft is changed, not corrected."))
        newer = Notice.get_or_none(Notice.corrects == old, Notice.ended_by == "")
        if newer is not None and newer.state == "published":
            raise NoticeRefused(N_("There is a newer edition already. Correct that one."))
        if newer is not None:
            return newer
        same = {name: getattr(old, name) for name in COPIED}
        starts = {"starts_at": None, "ends_at": old.ends_at if old.ends_at and old.ends_at > act.at else None}
        made = {"made_at": act.at, "made_by": act.actor_name, "changed_at": act.at}
        draft = Notice.create(**same, **starts, **made, state="draft", corrects=old)
        notice_drafts.choose(draft, tuple(notice_drafts.chosen_ids(old)) if old.chosen else None)
        record(act, "notice.drafted", draft, after={**notice_drafts.plain(draft), "corrects": old.id})
    return draft


def page(state: str, at: datetime, before: int | None = None) -> NoticePage:
    """One page; `state`: of STATES, or empty for all."""
    query = Notice.select()
    if state in STATES:
        query = query.where(_in_state(state, at))
    if before is not None:
        query = query.where(Notice.id < before)
    found = list(query.order_by(Notice.id.desc()).limit(PAGE_SIZE + 1))
    rows = found[:PAGE_SIZE]
    asked = [row.asked_under_id for row in rows if row.asked_under_id]
    counted: Any = (
        NoticeAcknowledgement.select(NoticeAcknowledgement.asked_under, fn.COUNT(NoticeAcknowledgement.id))
        .where(NoticeAcknowledgement.asked_under.in_(asked))
        .group_by(NoticeAcknowledgement.asked_under)
    )
    by_edition = dict(counted.tuples())
    acknowledged = {row.id: int(by_edition.get(row.asked_under_id, 0)) for row in rows}
    return NoticePage(rows, acknowledged, rows[-1].id if len(found) > PAGE_SIZE else None)


def state_of(notice: Notice, at: datetime) -> str:
    """draft, planned, standing or over."""
    if notice.state == "draft":
        return "draft"
    if notice.over_at is not None and notice.over_at <= max(at, notice.starts_at):
        return "over"
    return "planned" if notice.starts_at > at else "standing"


def _in_state(state: str, at: datetime):
    over = Notice.over_at.is_null(False) & ((Notice.over_at <= at) | (Notice.over_at <= Notice.starts_at))
    published = Notice.state == "published"
    return {
        "draft": Notice.state == "draft",
        "planned": published & ~over & (Notice.starts_at > at),
        "standing": published & ~over & (Notice.starts_at <= at),
        "over": published & over,
    }[state]


def one(notice_id: int) -> Notice:
    """The notice. Raises NotFound."""
    notice = Notice.get_or_none(Notice.id == notice_id)
    if notice is None:
        raise NotFound()
    return notice


def fingerprint(notice: Notice) -> str:
    """What a form about the draft carries, so that a colleague's change is not written over."""
    return notice.changed_at.isoformat()


def _locked(notice_id: int) -> Notice:
    notice = locked(Notice.select().where(Notice.id == notice_id)).first()
    if notice is None:
        raise NotFound()
    return notice


def _locked_draft(notice_id: int, seen: str) -> Notice:
    notice = _locked(notice_id)
    if notice.state != "draft":
        raise NoticeRefused(N_("This notice was published meanwhile. Its text is not changed any more; correct it."))
    if fingerprint(notice) != seen:
        raise NoticeRefused(N_("A colleague changed this draft meanwhile. Open it again to see the present text."))
    return notice


def _lock_corrected(notice_id: int) -> Notice | None:
    """The edition before, locked: it is older and therefore locked first by everybody."""
    corrects_id = Notice.select(Notice.corrects).where(Notice.id == notice_id).scalar()
    return _locked(corrects_id) if corrects_id else None


def _later(act: Act, notice: Notice) -> datetime:
    """A time that no earlier look at the draft has seen."""
    return max(act.at, notice.changed_at + timedelta(microseconds=1))
