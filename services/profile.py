"""A member's own details, and a new mail address: proved by a link to the new one, told to the old one (T8, T18)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from zoneinfo import available_timezones

from peewee import IntegrityError

from models.base import locked, write_tx
from models.partner import Member
from services import attempts, links, log_in, mail, passwords, people, sessions
from services.audit import Act, record
from services.company_details import check, refusals
from services.company_edit import EditRefused, EditStale
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

PURPOSE = "change_mail"
PATH = "/profile/mail/"
OWN = ("name", "job_title", "person_phone")


class MailRefused(Refusal):
    """The mail address stays as it is."""


@cache
def zones() -> tuple[str, ...]:
    """Time zones that can be chosen, by name: places, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def given(member: Member) -> dict[str, str]:
    """The member's own details as the form shows them."""
    return {
        "name": member.name,
        "job_title": member.job_title,
        "person_phone": member.phone,
        "locale": member.locale,
        "time_zone": member.time_zone,
    }


def worded(member: Member) -> str:
    """Names what the details say, so that two pages at once are noticed."""
    return hashlib.sha256(json.dumps(given(member), sort_keys=True).encode()).hexdigest()[:32]


def change(act: Act, settings: Settings, member: Member, wanted: Mapping[str, str], seen: str) -> Member:
    """Takes all of the member's own details at once. Raises EditRefused with a refusal per field, EditStale."""
    with write_tx():
        row = locked(Member.select().where(Member.id == member.id)).get()
        if worded(row) != seen:
            raise EditStale
        before = given(row)
        clean, refused = refusals({**before, **wanted, "country": row.partner.country}, OWN)
        problems: list[Refusal] = list(refused)
        if wanted["locale"] not in settings.locales:
            problems.append(Refusal(N_("Choose a language from the list."), "locale"))
        if wanted["time_zone"] not in (*zones(), row.time_zone):
            problems.append(Refusal(N_("Choose a time zone from the list."), "time_zone"))
        if problems:
            raise EditRefused(problems)
        row.name, row.job_title, row.phone = (clean[name] for name in OWN)
        row.locale, row.time_zone = wanted["locale"], wanted["time_zone"]
        row.save(only=["name", "job_title", "phone", "locale", "time_zone"])
        after = {name: value for name, value in given(row).items() if value != before[name]}
        if after:
            record(
                act, "member.changed", row, partner=row.partner_id, before={n: before[n] for n in after}, after=after
            )
    return row


def ask_mail(act: Act, settings: Settings, member: Member, address: str, password: str) -> None:
    """Sends a link to the new address; until it is opened the old one stays. The password is asked for, so that a
    session that was left open does not become somebody else's log-in.

    The old address is told at once, with the way to stop it: by a new password. An address that has a log-in gets the
    news of that instead of a link, and nobody else learns it. Raises MailRefused (fields "email", "password"),
    DetailRefused, TooManyAttempts."""
    attempts.count(act, member.email)
    if not passwords.matches(member.password_hash, password):
        raise MailRefused(N_("This is not your password."), "password")
    attempts.forgive(act, member.email)
    wanted = check("email", address, {})
    if people.email_key(wanted) == member.email_key:
        raise MailRefused(N_("This is your mail address already."), "email")
    attempts.count(act, wanted, attempts.MAIL)
    with write_tx():
        row = locked(Member.select().where(Member.id == member.id)).get()
        row.wanted_email = wanted
        row.save(only=["wanted_email"])
        token = links.issue(act, PURPOSE, row)
        record(act, "member.mail_asked", row, partner=row.partner_id, after={"wanted_email": wanted})
        told = {"name": row.name, "address": wanted, "asked_at": act.at}
        mail.queue(
            act, settings, "mail_change_asked", to=row.email, locale=row.locale, of_partner=row.partner_id,
            path=log_in.FORGOT_PATH, **told,
        )  # fmt: skip
        owner = people.with_address(wanted)
        if owner is not None:
            of_partner = people.partner_id_of(owner)  # the member's own company must not learn of it
            mail.queue(
                act, settings, "sign_up_known", to=wanted, locale=row.locale, of_partner=of_partner, path="/login"
            )
            return
        until_at = act.at + timedelta(hours=links.HOURS[PURPOSE])
        mail.queue(
            act, settings, "mail_change", to=wanted, locale=row.locale, of_partner=row.partner_id, private=True,
            path=PATH + token, name=row.name, until_at=until_at,
        )  # fmt: skip


def look_mail(act: Act, token: str) -> Member:
    """Whose link this is; changes nothing, because mail scanners open links. Raises as links.look does."""
    link = links.look(PURPOSE, token, act.at)
    if link.member is None or not link.member.wanted_email:
        raise NotFound
    return link.member


def confirm_mail(act: Act, settings: Settings, token: str) -> Member:
    """Uses the link up: the new address signs in from now on, links to the old one end, and the old one is told.
    Every session ends but that of the browser that confirms. Raises NotFound, LinkUsed, LinkExpired, MailRefused when
    the address got a log-in meanwhile."""
    member = look_mail(act, token)
    try:
        with write_tx():
            row = locked(Member.select().where(Member.id == member.id)).get()
            links.use(act, PURPOSE, token)
            links.cancel(act, "reset_password", row)
            old, new = row.email, row.wanted_email
            if people.with_address(new) is not None:
                raise MailRefused(N_("This address cannot be used. Choose another one on your profile."))
            row.email, row.email_key, row.wanted_email = new, people.email_key(new), ""
            row.email_confirmed_at = act.at
            row.save(only=["email", "email_key", "wanted_email", "email_confirmed_at"])
            sessions.end_others(act, row, "mail address changed")
            record(act, "member.mail_changed", row, partner=row.partner_id, before={"email": old}, after={"email": new})
            mail.queue(
                act, settings, "mail_changed", to=old, locale=row.locale, of_partner=row.partner_id, path="/",
                name=row.name, address=new, changed_at=act.at,
            )  # fmt: skip
    except IntegrityError as taken:
        raise MailRefused(N_("This address cannot be used. Choose another one on your profile.")) from taken
    return row
