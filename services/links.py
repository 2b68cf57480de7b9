"""Links that work once: 256 random bits in the mail, their SHA-256 in the database, one purpose, one person (T10)."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import cast

from peewee import JOIN

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.session import OneTimeLink
from services.audit import Act, record
from services.people import partner_id_of
from services.refusal import N_, NotFound, Refusal

HOURS = {"change_mail": 24, "confirm_mail": 48, "reset_password": 1, "operator_setup": 48, "keep_factor": 24}


class LinkExpired(Refusal):
    """Its time is up, or a newer link of the same purpose took its place."""

    def __init__(self) -> None:
        super().__init__(N_("This link is no longer valid: its time is up, or a newer one was made."))


class LinkUsed(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("This link was already used. Each link works once."))


def issue(act: Act, purpose: str, person: Member | Operator, hours: int | None = None) -> str:
    """Makes a link and returns its token (43 URL-safe characters), which is kept nowhere. Open links of the same
    purpose and person stop working. `hours` defaults to what HOURS says for the purpose."""
    token = secrets.token_urlsafe(32)
    is_member = isinstance(person, Member)
    with write_tx():
        cancel(act, purpose, person)
        link = OneTimeLink.create(
            purpose=purpose,
            token_hash=_hash(token),
            member=person if is_member else None,
            operator=None if is_member else person,
            created_at=act.at,
            expires_at=act.at + timedelta(hours=HOURS[purpose] if hours is None else hours),
        )
        record(act, "link.issued", link, partner=partner_id_of(person), after=_facts(link))
    return token


def look(purpose: str, token: str, at: datetime) -> OneTimeLink:
    """The open link with its person, unchanged: for the page that asks before anything happens, because mail scanners
    open every link. Raises NotFound, LinkUsed or LinkExpired."""
    link = (
        OneTimeLink.select(OneTimeLink, Member, Operator)
        .join(Member, JOIN.LEFT_OUTER)
        .switch(OneTimeLink)
        .join(Operator, JOIN.LEFT_OUTER)
        .where(OneTimeLink.purpose == purpose, OneTimeLink.token_hash == _hash(token))
        .first()
    )
    if link is None or not person_of(link).active:
        raise NotFound
    if link.used_at is not None:
        raise LinkUsed
    if link.expires_at <= at:
        raise LinkExpired
    return link


def use(act: Act, purpose: str, token: str) -> OneTimeLink:
    """Uses the link up, in the transaction of what it allows; of two at once one wins. Raises as `look` does."""
    with write_tx():
        link = look(purpose, token, act.at)
        won = (
            OneTimeLink.update(used_at=act.at)
            .where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_null(), OneTimeLink.expires_at > act.at)
            .execute()
        )
        if not won:
            raise LinkUsed
        link.used_at = act.at
        record(act, "link.used", link, partner=partner_id_of(person_of(link)), after=_facts(link))
    return link


def person_of(link: OneTimeLink) -> Member | Operator:
    """Whom the link was made for; the database holds exactly one of the two."""
    return cast(Member | Operator, link.member or link.operator)


def cancel(act: Act, purpose: str, person: Member | Operator) -> None:
    """Open links of this purpose and person stop working."""
    own = OneTimeLink.member == person if isinstance(person, Member) else OneTimeLink.operator == person
    OneTimeLink.update(expires_at=act.at).where(
        own, OneTimeLink.purpose == purpose, OneTimeLink.used_at.is_null(), OneTimeLink.expires_at > act.at
    ).execute()


def _facts(link: OneTimeLink) -> dict:
    person = person_of(link)
    return {"purpose": link.purpose, "expires_at": link.expires_at, person._meta.table_name: person.id}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
