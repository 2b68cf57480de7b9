"""Signing up: a company applies, its person proves the mail address, operators decide (T8; threats 5 and 7)."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from models.base import database, write_tx
from models.operator import Operator
from models.partner import Member, Partner, SignUpDraft
from services import attempts, consent, documents, links, mail, people
from services.audit import Act, record
from services.company_details import COMPANY, name_key
from services.consent import Agreed, ConsentMissing
from services.refusal import N_, Refusal
from services.settings import Settings
from services.signup import limits
from services.signup.drafts import locked_draft, mark_sent, next_step

PURPOSE = "confirm_mail"
MAILS = "sign_up_mail"
PERSON_COLUMNS = ("name", "email", "job_title", "relation")
AGAIN_AT_MOST = 3
AGAIN_AFTER = timedelta(minutes=1)
MAILS_A_DAY = 5
APPLICATIONS_AN_HOUR = 20
SENT_OFTEN = N_("We have sent this mail several times. Look in the folder for unwanted mail, or write to us.")


class DraftGone(Refusal):
    """There is no finished draft behind this device's token: begin again, or go on where it stopped."""

    def __init__(self) -> None:
        super().__init__(N_("This sign-up is no longer kept here. Please begin again."))


class TooMany(Refusal):
    """The same thing was asked for too often (429)."""


def apply(
    act: Act,
    settings: Settings,
    token: str | None,
    agreed: Agreed,
    *,
    shown: dict,
    declared_authority: bool,
    locale: str,
) -> None:
    """Turns the draft into an application: partner (`draft` until the mail is confirmed), its first administrator, the
    acceptances, and one mail.

    For an address that already has a log-in the same work is done and undone, and the mail tells its owner; neither the
    answer nor its time tells the two cases apart. A second call for the same draft does nothing.
    Raises DraftGone, TooMany, ConsentMissing, ConsentStale; RuntimeError inside a transaction, which it could not undo.
    """
    if database.in_transaction():
        raise RuntimeError("a sign-up opens its own transactions")
    agreed = list(agreed)
    try:
        with write_tx():
            draft = _ready(act, token)
            if draft is not None:
                _refuse_unless_agreed(act, agreed, declared_authority, locale)
                _open_application(act, settings, draft, agreed, shown, locale)
    except _Known as known:
        with write_tx():
            draft = _ready(act, token)
            if draft is not None:
                _finish(act, settings, draft, known.person, None)


class _Known(Exception):
    """The address has a log-in: takes back what was written for it."""

    def __init__(self, person: Member | Operator):
        self.person = person


def _ready(act: Act, token: str | None) -> SignUpDraft | None:
    """The draft, locked and complete; None when it was sent before. Raises DraftGone."""
    draft = locked_draft(token, act.at)
    if draft is not None and next_step(draft) == "sent":
        return None
    if draft is None or next_step(draft) != "check":
        raise DraftGone
    return draft


def _open_application(
    act: Act, settings: Settings, draft: SignUpDraft, agreed: Agreed, shown: dict, locale: str
) -> None:
    act = replace(act, session_hash=draft.token_hash)
    # Held to the end: of two sign-ups with one address at once the second sees the first.
    limits.hold(act, MAILS, people.email_key(draft.details["email"]))
    person = people.with_address(draft.details["email"])
    fresh = person is None or is_unconfirmed(person)
    known = person if fresh and isinstance(person, Member) else None
    key = people.email_key(draft.details["email"]) if fresh else secrets.token_hex(16)
    member = _open(act, settings, draft, key, known, locale)
    consent.accept(_own(act, member), member, agreed, shown=shown, declared_authority=True, settings=settings)
    if person is not None and not fresh:
        raise _Known(person)
    _finish(act, settings, draft, member, member.id)


def _finish(act: Act, settings: Settings, draft: SignUpDraft, person: Member | Operator, member_id: int | None) -> None:
    if not limits.within(act, "sign_up", attempts.network(act.ip), APPLICATIONS_AN_HOUR, 60):
        raise TooMany(N_("There were many applications from your network within the last hour. Try again later."))
    if _may_mail(act, draft.details["email"]):
        _send(act, settings, draft.details["email"], person)
    mark_sent(act, draft, member_id)


def send_again(act: Act, settings: Settings, token: str | None) -> None:
    """Sends the mail of a finished sign-up once more, from the device that finished it. Raises TooMany, DraftGone."""
    with write_tx():
        draft = locked_draft(token, act.at)
        if draft is None or "sent_to" not in draft.details:
            raise DraftGone
        details = draft.details
        if details["again"] >= AGAIN_AT_MOST:
            raise TooMany(SENT_OFTEN)
        if act.at < datetime.fromisoformat(details["sent_at"]) + AGAIN_AFTER:
            raise TooMany(N_("We have just sent it. Wait a minute before you ask for another."))
        draft.details = {**details, "again": details["again"] + 1, "sent_at": act.at.isoformat()}
        draft.save(only=[SignUpDraft.details])
        if _may_mail(act, details["sent_to"]):
            _send(act, settings, details["sent_to"], people.with_address(details["sent_to"]))


def send_confirmation(act: Act, settings: Settings, member: Member) -> None:
    """A new confirmation link for a member who is signed in, or who holds one that expired. Raises TooMany."""
    with write_tx():
        if not _may_mail(act, member.email):
            raise TooMany(SENT_OFTEN)
        _send(act, settings, member.email, member)


def is_unconfirmed(person: Member | Operator) -> bool:
    """Nobody has proved this address: whoever signs up with it anew takes its place."""
    return isinstance(person, Member) and person.email_confirmed_at is None and person.partner.state == "draft"


def _refuse_unless_agreed(act: Act, agreed: Agreed, declared_authority: bool, locale: str) -> None:
    wanted = [version.kind for version in documents.required_at_sign_up(locale, act.at)]
    consent.checked(agreed, wanted, act.at)
    if not declared_authority:
        raise ConsentMissing(N_("Only someone who may bind the company can apply. Tick that box too."), "authority")


def _own(act: Act, member: Member) -> Act:
    """The act as that of the applicant, who has a name from now on."""
    return replace(act, kind="member", actor_id=str(member.id), actor_name=member.name)


def _open(act: Act, settings: Settings, draft: SignUpDraft, key: str, known: Member | None, locale: str) -> Member:
    """Writes partner and member. An unconfirmed earlier attempt gives its rows: one address, one application."""
    given = draft.details
    company = {name: given[name] for name in COMPANY}
    values = {**company, "name_key": name_key(company["legal_name"]), "state": "draft"}
    before = {name: getattr(known.partner, name) for name in COMPANY} if known else None
    partner = _written(Partner, known.partner if known else None, act, values)
    own = {name: given[name] for name in PERSON_COLUMNS} | {"phone": given["person_phone"], "email_key": key}
    own |= {"partner": partner, "password_hash": draft.password_hash, "role": "admin", "declared_authority": True}
    own |= {"locale": locale, "time_zone": settings.provider.time_zone}
    member = _written(Member, known, act, own)
    action = "partner.signed_up_again" if known else "partner.signed_up"
    record(_own(act, member), action, partner, partner=partner, before=before, after=company)
    return member


def _written(table, row, act: Act, values: dict):
    """The row with these values: a new one, or the known one changed."""
    if row is None:
        return table.create(public_id=secrets.token_hex(8), created_at=act.at, **values)
    for name, value in values.items():
        setattr(row, name, value)
    row.save(only=list(values))
    return row


def _may_mail(act: Act, address: str) -> bool:
    """Whether the address got few enough mails today, this one counted."""
    return limits.within(act, MAILS, people.email_key(address), MAILS_A_DAY, 24 * 60)


def _send(act: Act, settings: Settings, address: str, person: Member | Operator | None) -> None:
    """One mail to the address. What it says depends on whose address it is. Nothing that was typed stands in it: its
    reader may be a stranger, and a company's name can be a lure."""
    if not isinstance(person, Member) or not is_unconfirmed(person):
        to, locale = (person.email, person.locale) if person else (address, settings.locales[0])
        of_partner = people.partner_id_of(person) if person else None
        mail.queue(act, settings, "sign_up_known", to=to, locale=locale, of_partner=of_partner, path="/login")
        return
    token = links.issue(act, PURPOSE, person)
    mail.queue(
        act,
        settings,
        "sign_up_confirm",
        to=person.email,
        locale=person.locale,
        of_partner=person.partner_id,
        private=True,
        path=f"/sign-up/confirm/{token}",
        until_at=act.at + timedelta(hours=links.HOURS[PURPOSE]),
    )
