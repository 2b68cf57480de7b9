"""The worker's half of mail: what is due leaves by SMTP, or lands as files where no server is set (`SMTP_URL`)."""

import logging
import mimetypes
import os
import secrets
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from urllib.parse import parse_qs, unquote, urlparse

from models.base import DATABASE_AWAY, write_tx
from models.outbox import Mail, MailAttachment
from services.mail import header_address
from services.settings import Settings

log = logging.getLogger("portal.mail")

Deliver = Callable[[Mail, EmailMessage], None]
CLAIM = timedelta(minutes=5)
TIMEOUT_SECONDS = 20
FIRST_WAIT_SECONDS = 2
LONGEST_WAIT_SECONDS = 300
LONGEST_LINE = 900
BLANK = "This mail carried a link that works once. It was sent, and its text was removed here.\n"
ONE_MAIL_REFUSED = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    ValueError,
)


def send_due(settings: Settings, at: datetime, limit: int = 20) -> int:
    """Sends up to `limit` mails that are due at `at`, oldest first; returns how many left.

    A mail that fails is tried again later and never dropped. Where the server itself fails, the rest waits.
    """
    due = Mail.select(Mail.id).where(Mail.sent_at.is_null(), Mail.next_attempt_at <= at).order_by(Mail.id).limit(limit)
    waiting = [mail.id for mail in due]
    sent = 0
    with transport(settings) as deliver:
        for mail in filter(None, (_claim(mail_id, at) for mail_id in waiting)):
            try:
                deliver(mail, message(settings, mail, at))
            except ONE_MAIL_REFUSED as failure:
                _postpone(mail, at, failure)
            except OSError as failure:
                _postpone(mail, at, failure)
                break
            except DATABASE_AWAY:
                raise
            except Exception as fault:  # whatever a mail library makes of this one mail, the others leave
                log.error("mail %s (%s) met a fault that nobody foresaw", mail.id, mail.template)
                _postpone(mail, at, fault)
            else:
                _mark_sent(mail, at)
                sent += 1
    return sent


def _claim(mail_id: int, at: datetime) -> Mail | None:
    """Takes the mail for five minutes, unless another worker has it; a worker that dies while sending loses it then."""
    with write_tx():
        won = (
            Mail.update(next_attempt_at=at + CLAIM, attempts=Mail.attempts + 1)
            .where(Mail.id == mail_id, Mail.sent_at.is_null(), Mail.next_attempt_at <= at)
            .execute()
        )
        return Mail.get_by_id(mail_id) if won else None


def _mark_sent(mail: Mail, at: datetime) -> None:
    changes: dict = {"sent_at": at, "last_error": ""}
    if mail.private:
        changes |= {"text": BLANK, "html": "", "attachment": ""}
    with write_tx():
        Mail.update(changes).where(Mail.id == mail.id).execute()
        if mail.private:
            MailAttachment.delete().where(MailAttachment.mail == mail).execute()


def _postpone(mail: Mail, at: datetime, failure: Exception) -> None:
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(mail.attempts - 1, 20))
    wait = timedelta(seconds=secrets.SystemRandom().uniform(0, longest))
    reason = " ".join(f"{type(failure).__name__}: {failure}".split())[:300]
    with write_tx():
        Mail.update(next_attempt_at=at + wait, last_error=reason).where(Mail.id == mail.id).execute()
    log.warning("mail %s (%s) failed: %s", mail.id, mail.template, type(failure).__name__)


def message(settings: Settings, mail: Mail, at: datetime) -> EmailMessage:
    """The mail as RFC 5322 has it: text first, HTML as the alternative. The Message-ID is the same at every attempt, so
    that a mail sent twice after a crash is shown once. Raises ValueError for a header that cannot be."""
    built = EmailMessage(policy=SMTP if mail.recipient.rpartition("@")[0].isascii() else SMTPUTF8)
    host = urlparse(settings.public_url).hostname or "localhost"
    built["From"] = header_address(settings.mail_from, settings.provider.name)
    built["To"] = header_address(mail.recipient)
    built["Subject"] = mail.subject
    built["Date"] = at
    built["Message-ID"] = f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.id}@{host}>"
    built["Auto-Submitted"] = "auto-generated"
    built.set_content(mail.text, cte=_encoding(mail.text))
    if mail.html:
        built.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    if mail.attachment_name:
        kind = (mimetypes.guess_type(mail.attachment_name)[0] or "text/plain").partition("/")
        subtype = kind[2] if kind[0] == "text" else "plain"
        exact = mail.attachment.encode()  # as bytes, else line ends would change and with them a receipt's digest
        utf_8 = {"charset": "utf-8"}
        built.add_attachment(exact, maintype="text", subtype=subtype, filename=mail.attachment_name, params=utf_8)
    for file in MailAttachment.select().where(MailAttachment.mail == mail).order_by(MailAttachment.id):
        maintype, _slash, subtype = file.media_type.partition("/")
        params = {"charset": "utf-8"} if maintype == "text" else None
        content = bytes(file.content)
        built.add_attachment(content, maintype=maintype, subtype=subtype, filename=file.name, params=params)
    return built


def _encoding(text: str) -> str | None:
    """Unencoded wherever lines are short enough to travel (RFC 5322: 998), so that a link stays whole in the file."""
    longest = max((len(line.encode()) for line in text.splitlines()), default=0)
    return "8bit" if longest < LONGEST_LINE else None


@contextmanager
def transport(settings: Settings) -> Iterator[Deliver]:
    """What delivers one message; an SMTP connection is opened for the first and shared by the batch."""
    if not settings.smtp_url:
        yield lambda mail, built: write_file(settings, mail, built)
        return
    opened: list[smtplib.SMTP] = []

    def deliver(mail: Mail, built: EmailMessage) -> None:
        if not opened:
            opened.append(connect(settings))
        opened[0].send_message(built)

    try:
        yield deliver
    finally:
        for server in opened:
            with suppress(OSError):
                server.quit()
            server.close()


def write_file(settings: Settings, mail: Mail, built: EmailMessage) -> None:
    """`<time>-<number>-<template>.eml` under the var folder, readable by the portal's own user only."""
    settings.mail_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.mail_dir / f"{mail.created_at:%Y%m%dT%H%M%S}-{mail.id}-{mail.template}.eml"
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(built.as_bytes())
    draft.replace(path)


def connect(settings: Settings) -> smtplib.SMTP:
    """Opens what SMTP_URL names: smtp://user:password@host:port, or smtps:// for TLS from the first byte.

    `?starttls=` says `auto` (the default: when the server offers it), `required` or `never`. A password is sent over
    TLS only, unless `never` is said. Raises OSError, of which smtplib's errors are kinds.
    """
    url = urlparse(settings.smtp_url)
    wanted = parse_qs(url.query).get("starttls", ["auto"])[0]
    own_name = urlparse(settings.public_url).hostname or "localhost"
    host, tls = url.hostname or "localhost", ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, own_name, timeout=TIMEOUT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, url.port or 25, own_name, timeout=TIMEOUT_SECONDS)
    try:
        if url.scheme != "smtps" and wanted != "never":
            _start_tls(server, tls, needed=wanted == "required" or bool(url.password))
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
    except OSError:
        server.close()
        raise
    return server


def _start_tls(server: smtplib.SMTP, tls: ssl.SSLContext, needed: bool) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=tls)
        server.ehlo()
    elif needed:
        raise ConnectionError("the mail server offers no STARTTLS, and this connection needs it")
