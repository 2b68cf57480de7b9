"""Mails about important notices: one for each member whom the notice is for, in batches, each with a row of its own, so
that a worker that ends in the middle neither loses nor doubles one (T6)."""

from functools import partial
from typing import Any

from peewee import fn

from models.base import locked, write_tx
from models.notice import Notice, NoticeMail
from models.partner import Member
from services import access_period, mail, notice_audience, notices, one_by_one
from services.audit import Act
from services.settings import Settings

BATCH = 50


def send_due(act: Act, settings: Settings) -> bool:
    """Writes the next batch of mails into the outbox; True when there may be more. Who comes to the audience later
    finds the notice on the pages. A notice whose mails to some rest after a fault holds up no later one."""
    for notice in Notice.select().where(_due(act)).order_by(Notice.id):
        batch = _untold(notice).select(Member.id).order_by(Member.id).limit(BATCH)
        name = f"mail of notice {notice.id} to member"
        written = one_by_one.rows(act, name, batch, partial(_tell, act, settings, notice.id))
        ended = written < BATCH and _end(act, notice)
        if written or ended:
            return True
    return False


def _untold(notice: Notice) -> Any:
    done = NoticeMail.select(NoticeMail.id).where(NoticeMail.notice == notice, NoticeMail.member == Member.id)
    return notice_audience.people(notice).where(~fn.EXISTS(done))


def _end(act: Act, notice: Notice) -> bool:
    """False while somebody is to be told."""
    if _untold(notice).exists():
        return False
    with write_tx():
        Notice.update(mailed_at=act.at).where(_due(act), Notice.id == notice.id).execute()
    return True


def _due(act: Act):
    standing = (Notice.starts_at <= act.at) & (Notice.over_at.is_null() | (Notice.over_at > act.at))
    return (Notice.state == "published") & Notice.important & Notice.mailed_at.is_null() & standing


def _tell(act: Act, settings: Settings, notice_id: int, member_id: int) -> bool:
    """False when another worker was first, or the notice or the member is not what it was."""
    with write_tx():
        notice = locked(Notice.select().where(_due(act), Notice.id == notice_id)).first()
        member = _untold(notice).where(Member.id == member_id).first() if notice else None
        if member is None:
            return False
        NoticeMail.create(notice=notice, member=member, queued_at=act.at)
        if not access_period.is_over(member, act.at, settings):
            _queue(act, settings, notice, member)
    return True


def _queue(act: Act, settings: Settings, notice: Notice, member: Member) -> None:
    mail.queue(
        act,
        settings,
        "notice",
        to=member.email,
        locale=member.locale,
        of_partner=member.partner_id,
        path=f"/notices/{notice.id}",
        name=member.name,
        kind=notice.kind,
        title=notices.title_in(notice, member.locale),
        asks=notice.asks,
        closes=bool(notice.blocks),
        corrects=notice.corrects_id is not None,
    )
