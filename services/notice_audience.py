"""Whom a notice is for, and who of them acknowledged it: pages, figures and a file for staff (T6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, fn

from models.notice import Notice, NoticeAcknowledgement, NoticePartner
from models.partner import Member, Partner
from services.csv_export import Cell
from services.notices import REACHED

PAGE_SIZE = 50
BATCH = 500
COLUMNS = (
    "partner", "member", "role", "mail", "state", "edition", "language", "sha256", "acknowledged_at", "ip",
    "user_agent",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """One page. `done`: acknowledgements, newest first; `still_open`: members who have not, by partner and name.
    `after`: the id to go on from."""

    done: list[NoticeAcknowledgement]
    still_open: list[Member]
    after: int | None


def people(notice: Notice) -> Any:
    """Members whom the notice is for and who can sign in, with their partners."""
    found = Member.select(Member, Partner).join(Partner).where(Member.active, Partner.state.in_(REACHED))
    if notice.audience.get("roles"):
        found = found.where(Member.role.in_(notice.audience["roles"]))
    if notice.audience.get("kinds"):
        found = found.where(Partner.kind.in_(notice.audience["kinds"]))
    if notice.chosen:
        chosen = NoticePartner.select(NoticePartner.partner).where(NoticePartner.notice == notice)
        found = found.where(Partner.id.in_(chosen))
    return found


def still_open(notice: Notice) -> Any:
    """Members whom the notice is for and who have not acknowledged it."""
    given = NoticeAcknowledgement.select(NoticeAcknowledgement.id).where(
        NoticeAcknowledgement.member == Member.id, NoticeAcknowledgement.asked_under == notice.asked_under_id
    )
    return people(notice).where(~fn.EXISTS(given))


def done(notice: Notice) -> Any:
    """All acknowledgements that count for this edition."""
    row = NoticeAcknowledgement
    return row.select(row, Member).join(Member).where(row.asked_under == notice.asked_under_id)


def counts(notice: Notice) -> tuple[int, int]:
    """How many acknowledged it, and how many of those whom it is for have not."""
    return done(notice).count(), still_open(notice).count()


def page(notice: Notice, state: str, after: int | None = None) -> Answers:
    """One page of those who have (`done`) or have not (`open`)."""
    if state == "done":
        query = done(notice).order_by(NoticeAcknowledgement.id.desc())
        if after is not None:
            query = query.where(NoticeAcknowledgement.id < after)
    else:
        query = still_open(notice).order_by(Member.id)
        if after is not None:
            query = query.where(Member.id > after)
    found = list(query.limit(PAGE_SIZE + 1))
    rows, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
    last = rows[-1].id if more else None
    return Answers(rows, [], last) if state == "done" else Answers([], rows, last)


def file_rows(notice: Notice) -> Iterator[list[Cell]]:
    """The lines of the file, under COLUMNS: first who acknowledged, then who has not. Read in batches."""
    row, at = NoticeAcknowledgement, 0
    while batch := list(done(notice).where(row.id > at).order_by(row.id).limit(BATCH)):
        yield from (_done_cells(found) for found in batch)
        at = batch[-1].id
    at = 0
    while batch := list(still_open(notice).where(Member.id > at).order_by(Member.id).limit(BATCH)):
        yield from (_open_cells(found) for found in batch)
        at = batch[-1].id


def _done_cells(row: NoticeAcknowledgement) -> list[Cell]:
    return [
        row.partner_name, row.member_name, row.member_role, row.member.email, "acknowledged", row.notice_id,
        row.language, row.sha256, row.acknowledged_at, row.ip, row.user_agent,
    ]  # fmt: skip


def _open_cells(member: Member) -> list[Cell]:
    mine = [member.partner.legal_name, member.name, member.role, member.email, "open"]
    return [*mine, None, None, None, None, None, None]


def described(notice: Notice) -> list[str]:
    """Names of the chosen partners, in their order; empty where the notice is not for chosen ones."""
    if not notice.chosen:
        return []
    names = Partner.select(Partner.legal_name).join(NoticePartner, JOIN.INNER).where(NoticePartner.notice == notice)
    return [row.legal_name for row in names.order_by(Partner.name_key, Partner.id)]
