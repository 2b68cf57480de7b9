"""Mails: written in the transaction of their cause, kept in the outbox, sent by the worker (services.mail_sending)."""

import functools
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from zoneinfo import ZoneInfo

import idna
from babel.dates import format_date, format_time, get_datetime_format
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from models.base import database
from models.outbox import Mail, MailAttachment
from models.partner import Partner
from services import capacity
from services.audit import Act
from services.clock import day_that_ends
from services.refusal import N_
from services.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
NOTATIONS = {"en": "en_150"}  # dates in English as on the pages: 24 Nov 2026, 14:05
END_OF = N_("end of %(day)s")
PARTS = ("subject.txt", "body.txt", "body.html")
Attachment = tuple[str, str, bytes]
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
MOST_ATTACHED_BYTES = 10 * 10**6  # many mail servers take 25 MB, and travelling adds a third


def queue(
    act: Act,
    settings: Settings,
    template: str,
    *,
    to: str,
    locale: str,
    of_partner: Partner | int | None = None,
    private: bool = False,
    attachment: tuple[str, str] | None = None,
    attachments: Sequence[Attachment] = (),
    path: str | None = None,
    **values: object,
) -> Mail:
    """Writes the mail `templates/emails/<template>/` into the outbox, in the caller's transaction.

    Templates see `values`, `provider`, `portal_url`, `locale` and, when `path` is given, `url`: the absolute address
    under PORTAL_PUBLIC_URL. `of_partner`: of whose affairs the mail tells, whoever it goes to; None for strangers and
    for what tells staff of several. `private` mails carry a one-time link: their text is blanked once they are sent.
    `attachment` is a file name and its text, `attachments` are (file name, media type, bytes), together at most
    MOST_ATTACHED_BYTES; of a private mail they are removed once it is sent. Raises RuntimeError outside a transaction,
    ValueError for a line break in a header and for attachments that no mail can carry, jinja2.UndefinedError for a
    value that the template needs and did not get.
    """
    if not database.in_transaction():
        raise RuntimeError(f"the mail {template} was written outside the transaction of its cause")
    known = {"provider": settings.provider, "portal_url": settings.public_url, "locale": locale, **values}
    if path is not None:
        known["url"] = settings.public_url + path
    env = environment(locale, settings.provider.time_zone)
    subject, text, html = (env.get_template(f"emails/{template}/{part}").render(known) for part in PARTS)
    attachment_name, attachment_text = attachment or ("", "")
    refuse_broken_headers(to, subject.strip())
    _refuse_attachments(attachments)
    mail = Mail.create(
        partner=of_partner,
        template=template,
        recipient=to,
        subject=subject.strip(),
        text=text.strip() + "\n",
        html=html.strip() + "\n",
        attachment_name=attachment_name,
        attachment=attachment_text,
        private=private,
        created_at=act.at,
        next_attempt_at=act.at,
    )
    for name, media_type, content in attachments:
        MailAttachment.create(mail=mail, name=name, media_type=media_type, content=content)
    return mail


def _refuse_attachments(attachments: Sequence[Attachment]) -> None:
    for name, media_type, _content in attachments:
        if not name or not name.isprintable() or not MEDIA_TYPE.fullmatch(media_type):
            raise ValueError(f"an attachment cannot have the name {name!r} and the media type {media_type!r}")
    if sum(len(content) for _name, _media_type, content in attachments) > MOST_ATTACHED_BYTES:
        raise ValueError(f"the attachments of a mail have more than {MOST_ATTACHED_BYTES} bytes")


def refuse_broken_headers(to: str, subject: str) -> None:
    """Raises ValueError when a line break or a broken address would end up in a header (RFC 5322)."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["To"] = header_address(to)


def header_address(address: str, name: str = "") -> Address:
    """The address for a header, its domain as mail servers know it (RFC 5890). `Address(addr_spec=…)` would refuse a
    letter such as ü before the @ (RFC 6531). Raises ValueError for a line break and for what is no address."""
    local, _at, domain = address.rpartition("@")
    if not local or not domain or any(sign.isspace() for sign in address):
        raise ValueError("this is not a mail address")
    return Address(name, local, domain if domain.isascii() else idna.encode(domain, uts46=True).decode())


@functools.cache
def environment(locale: str, zone: str) -> Environment:
    """Jinja for mails in one language and time zone: HTML is escaped, text is not, unknown values are errors."""
    env = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Translations.load(ROOT / "translations", [locale])
    env.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    env.filters.update(_filters(locale, zone, words))
    return env


def _filters(locale: str, zone: str, words: NullTranslations) -> dict[str, Callable]:
    notation = NOTATIONS.get(locale, locale)

    def when(at: datetime) -> str:
        """To the minute, with the zone's name: the reader may be elsewhere."""
        local = at.astimezone(ZoneInfo(zone))
        time = f"{format_time(local, 'short', tzinfo=ZoneInfo(zone), locale=notation)} {local.tzname()}"
        pattern = str(get_datetime_format("medium", locale=notation))
        return pattern.replace("{0}", time).replace("{1}", day(local.date()))

    def day(on: date) -> str:
        return format_date(on, "medium", locale=notation)

    def last_day(at: datetime) -> str:
        """The day that ends then; another moment as it is."""
        on = day_that_ends(at, zone)
        return format_date(on, "long", locale=notation) if on else when(at)

    def until(at: datetime) -> str:
        return words.gettext(END_OF) % {"day": last_day(at)} if day_that_ends(at, zone) else when(at)

    return {
        "bytes": lambda amount_bytes: capacity.format_bytes(amount_bytes, locale),
        "exact_bytes": lambda amount_bytes: capacity.exact_bytes(amount_bytes, locale),
        "when": when,
        "day": day,
        "last_day": last_day,
        "until": until,
    }
