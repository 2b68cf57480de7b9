"""The outbox as operators read it. The text of private mails, which carry one-time links, is never read here."""

from dataclasses import dataclass

from models.base import locked, write_tx
from models.outbox import Mail, MailAttachment
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal

PAGE_SIZE = 50
STATES = {
    "failed": Mail.sent_at.is_null() & (Mail.last_error != ""),
    "waiting": Mail.sent_at.is_null() & (Mail.last_error == ""),
    "sent": Mail.sent_at.is_null(False),
}
COLUMNS = (
    Mail.id,
    Mail.subject,
    Mail.recipient,
    Mail.private,
    Mail.created_at,
    Mail.sent_at,
    Mail.attempts,
    Mail.next_attempt_at,
    Mail.last_error,
    Mail.attachment_name,
)


class AlreadySent(Refusal):
    """The mail went out meanwhile."""


@dataclass(frozen=True)
class MailPage:
    """Newest first. `before`: the id to go on from to older mails."""

    rows: list[Mail]
    before: int | None


def page(state: str = "", before: int | None = None) -> MailPage:
    """One page of mails without their text; `state`: failed, waiting, sent, or empty for all."""
    query = Mail.select(*COLUMNS)
    if state in STATES:
        query = query.where(STATES[state])
    if before is not None:
        query = query.where(Mail.id < before)
    found = list(query.order_by(Mail.id.desc()).limit(PAGE_SIZE + 1))
    return MailPage(found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def one(mail_id: int) -> tuple[Mail, str]:
    """The mail, with the names of what is attached to it in `mail.attached`, and its plain text; the text is empty when
    the mail is private. Raises NotFound."""
    mail = Mail.select(*COLUMNS).where(Mail.id == mail_id).first()
    if mail is None:
        raise NotFound()
    files = MailAttachment.select(MailAttachment.name).where(MailAttachment.mail == mail).order_by(MailAttachment.id)
    mail.attached = [name for name in (mail.attachment_name, *(file.name for file in files)) if name]
    text = "" if mail.private else Mail.select(Mail.text).where(Mail.id == mail_id).scalar()
    return mail, text


def send_again(act: Act, mail_id: int) -> Mail:
    """Makes an unsent mail due at once. Raises NotFound or AlreadySent."""
    with write_tx():
        mail = locked(Mail.select().where(Mail.id == mail_id)).first()
        if mail is None:
            raise NotFound()
        if mail.sent_at is not None:
            raise AlreadySent(N_("This mail was sent on %(sent_at)s."), sent_at=mail.sent_at)
        mail.next_attempt_at = act.at
        mail.save(only=[Mail.next_attempt_at])
        record(act, "mail.retried", mail, after={"attempts": mail.attempts})
    return mail
