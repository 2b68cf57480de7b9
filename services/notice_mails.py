"""Mails about important notices: one for each member whom the notice is for, in batches, each with a row of its own, so
that a worker that ends in the middle neither loses nor doubles one (T6)."""

from peewee import fn

from models.base import locked, write_tx
from models.notice import Notice, NoticeMail
from models.partner import Member
from services import access_period, mail, notice_audience, notices
from services.audit import Act
from services.settings import Settings

BATCH = 50


def send_due(act: Act, settings: Settings) -> bool:
    """Writes the next batch of mails into the outbox; True when there may be more. Who comes to the audience later
    finds the notice on the pages."""
    notice = Notice.select(Notice.id).where(_due(act)).order_by(Notice.id).first()
    if notice is None:
        return False
    with write_tx():
        row = locked(Notice.select().where(_due(act), Notice.id == notice.id)).first()
        if row is None:
            return True
        told = NoticeMail.select(fn.MAX(NoticeMail.member)).where(NoticeMail.notice == row).scalar() or 0
        batch = list(notice_audience.people(row).where(Member.id > told).order_by(Member.id).limit(BATCH))
        for member in batch:
            _tell(act, settings, row, member)
        if len(batch) < BATCH:
            row.mailed_at = act.at
            row.save(only=[Notice.mailed_at])
    return True


def _due(act: Act):
    standing = (Notice.starts_at <= act.at) & (Notice.over_at.is_null() | (Notice.over_at > act.at))
    return (Notice.state == "published") & Notice.important & Notice.mailed_at.is_null() & standing


def _tell(act: Act, settings: Settings, notice: Notice, member: Member) -> None:
    NoticeMail.create(notice=notice, member=member, queued_at=act.at)
    if access_period.is_over(member, act.at, settings):
        return
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
