"""What a partner's administrators decide about their company's own log-in (T10)."""

import re
from typing import Any

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.sso import Sso, SsoDomain, SsoFlow, SsoLink
from services import mail, sso_provider
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.secret import SealBroken, Secret, Vault
from services.settings import Settings
from services.sso_channel import checked_address, conversation
from services.sso_provider import Client, Provider

PATH = "/company-log-in"
MOST_DOMAINS = 20
DOMAIN = re.compile(r"(?=.{3,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
# nobody alone has these: whoever opened a box there has an address of them
EVERYBODYS = frozenset(
    (
        "aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "live.com",
        "mail.ru", "outlook.com", "proton.me", "protonmail.com", "qq.com", "t-online.de", "web.de", "yahoo.com",
        "yandex.ru",
    )
)  # fmt: skip


class SsoRefused(Refusal):
    """What was entered or asked for is not possible."""


def of(partner: Partner | int) -> Sso | None:
    return Sso.get_or_none(Sso.partner == partner)


def domains(partner: Partner | int) -> list[SsoDomain]:
    return list(SsoDomain.select().where(SsoDomain.partner == partner).order_by(SsoDomain.domain))


def links(partner: Partner | int) -> list[SsoLink]:
    """Who of the partner has signed in with its log-in, with the members."""
    rows = SsoLink.select(SsoLink, Member).join(Member)
    return list(rows.where(Member.partner == partner).order_by(Member.name, Member.id))


def redirect_uri(settings: Settings, partner: Partner) -> str:
    """One for each partner: an answer of one provider never passes for one of another (RFC 9700, 4.4.2)."""
    return f"{settings.public_url}/login/sso/{partner.public_id}/back"


def client(settings: Settings, sso: Sso) -> Client:
    """What the portal is to the partner's provider. Raises SsoRefused when the secret is lost."""
    try:
        if sso.secret_ct is None:
            raise SealBroken
        secret = Vault(settings.data_keys).open(sso.secret_ct)
    except SealBroken as failure:
        raise SsoRefused(
            N_("The client secret is lost. An administrator has to enter it again."), "secret"
        ) from failure
    return Client(sso.client_id, secret, redirect_uri(settings, sso.partner))


def configure(act: Act, settings: Settings, partner: Partner, issuer: str, client_id: str, secret: str) -> Sso:
    """Keeps where the log-in is; an empty `secret` leaves the one there is. With another issuer everything begins anew:
    it is off, and who is bound to whom is forgotten. Raises SsoRefused, AddressRefused."""
    issuer, client_id = issuer.strip(), client_id.strip()
    if checked_address(issuer, loopback=settings.sso_loopback).query or len(issuer) > 500:
        raise SsoRefused(N_("Enter the address without anything behind a question mark."), "issuer")
    _refuse_odd(client_id, 255, "client_id")
    if secret:
        _refuse_odd(secret, 500, "secret")
    sealed = Vault(settings.data_keys).seal(Secret(secret)) if secret else None
    with write_tx():
        _lock(partner)
        row = of(partner)
        if sealed is None and (row is None or row.secret_ct is None or row.issuer != issuer):
            raise SsoRefused(N_("Enter the client secret."), "secret")
        before = {"issuer": row.issuer, "client_id": row.client_id} if row else None
        after = {"issuer": issuer, "client_id": client_id, "secret": "new" if secret else "kept"}
        if row is None:
            row = Sso(partner=partner, created_at=act.at)
        elif row.issuer != issuer:
            _begin_anew(act, settings, row)
        row.issuer, row.client_id, row.changed_at = issuer, client_id, act.at
        row.secret_ct = sealed or row.secret_ct
        row.save()
        record(act, "sso.set", row, partner=partner, before=before, after=after)
    return row


def _begin_anew(act: Act, settings: Settings, row: Sso) -> None:
    if row.enabled:
        tell_admins(act, settings, row.partner, "off")
    row.enabled, row.only_way = False, False
    SsoFlow.delete().where(SsoFlow.sso == row).execute()
    for link in links(row.partner_id):
        forget(act, link)


def check_connection(act: Act, settings: Settings, partner: Partner) -> tuple[Provider, int]:
    """Asks the provider for its metadata and its keys: what it is, and how many keys can be used. Raises SsoRefused,
    AddressRefused, ProviderAway, ProviderUnfit, ProviderBusy."""
    row = of(partner)
    if row is None:
        raise SsoRefused(N_("Enter first where your company's log-in is."))
    client(settings, row)
    with conversation(row.partner_id, loopback=settings.sso_loopback) as channel:
        provider = sso_provider.discover(channel, row.issuer, loopback=settings.sso_loopback)
        return provider, sso_provider.check_keys(channel, provider)


def switch(act: Act, settings: Settings, partner: Partner, *, on: bool) -> None:
    """On only when the provider answers. Every administrator is told. Raises as check_connection does."""
    if on:
        check_connection(act, settings, partner)
    with write_tx():
        _lock(partner)
        row = of(partner)
        if row is None or row.enabled == on:
            return
        row.enabled, row.changed_at = on, act.at
        row.save(only=[Sso.enabled, Sso.changed_at])
        record(act, "sso.on" if on else "sso.off", row, partner=partner)
        tell_admins(act, settings, partner, "on" if on else "off")


def set_policy(
    act: Act, settings: Settings, member: Member, *, only_way: bool, counts_second: bool, acr_values: str
) -> None:
    """`only_way`: who of the domains has no other way in; the password of `member`, who decides it, stays one. It takes
    an administrator who has signed in that way: what does not work must not be the only way. Raises SsoRefused."""
    values = " ".join(acr_values.split())
    if len(values) > 500 or not values.isprintable():
        raise SsoRefused(N_("Enter at most 500 characters."), "acr_values")
    with write_tx():
        _lock(member.partner)
        row = of(member.partner_id)
        if row is None:
            raise SsoRefused(N_("Enter first where your company's log-in is."))
        begins = only_way and not row.only_way
        if begins and not (row.enabled and SsoLink.select().where(SsoLink.member == member).exists()):
            raise SsoRefused(
                N_("Sign in with your company's log-in once yourself. Then you know that it works."), "only_way"
            )
        before = _policy(row)
        row.only_way, row.counts_second, row.acr_values, row.changed_at = only_way, counts_second, values, act.at
        row.kept_by_id = (member.id if begins else row.kept_by_id) if only_way else None
        row.save()
        if before != _policy(row):
            record(act, "sso.policy", row, partner=row.partner_id, before=before, after=_policy(row))
        if before["only_way"] != only_way:
            tell_admins(act, settings, member.partner, "only_on" if only_way else "only_off")


def _policy(row: Sso) -> dict[str, Any]:
    return {"only_way": row.only_way, "counts_second": row.counts_second, "acr_values": row.acr_values}


def ask_domain(act: Act, member: Member, text: str) -> SsoDomain:
    """Says that a mail domain is the company's; it counts once the provider's staff confirmed it. Raises SsoRefused."""
    domain = text.strip().lower().removeprefix("@")
    if not DOMAIN.fullmatch(domain):
        raise SsoRefused(N_("Enter a domain such as example.com."), "domain")
    if domain in EVERYBODYS:
        raise SsoRefused(N_("Everybody can have an address of %(domain)s."), "domain", domain=domain)
    with write_tx():
        _lock(member.partner)
        known = domains(member.partner_id)
        if any(row.domain == domain for row in known):
            raise SsoRefused(N_("This domain is in your list already."), "domain")
        if len(known) >= MOST_DOMAINS:
            raise SsoRefused(N_("More than %(most)s domains are not possible."), "domain", most=MOST_DOMAINS)
        row = SsoDomain.create(
            partner=member.partner_id, domain=domain, asked_at=act.at, asked_by=f"member:{member.id}",
            asked_name=member.name,
        )  # fmt: skip
        record(act, "sso_domain.asked", row, partner=row.partner_id, after={"domain": domain})
    return row


def remove_domain(act: Act, partner: Partner, domain_id: int) -> None:
    """Nobody signs in with addresses of it any more. Raises NotFound."""
    with write_tx():
        _lock(partner)
        row = SsoDomain.get_or_none(SsoDomain.id == domain_id, SsoDomain.partner == partner)
        if row is None:
            raise NotFound
        row.delete_instance()
        record(act, "sso_domain.removed", row, partner=partner, before={"domain": row.domain})


def unbind(act: Act, partner: Partner, link_id: int) -> None:
    """Whoever signs in next with the member's address is bound anew: for people who got another account. Raises
    NotFound."""
    with write_tx():
        _lock(partner)
        link = next((link for link in links(partner) if link.id == link_id), None)
        if link is None:
            raise NotFound
        forget(act, link)


def forget(act: Act, link: SsoLink) -> None:
    """In the caller's transaction."""
    link.delete_instance()
    record(act, "sso_link.ended", link, partner=link.member.partner_id, before={"member": link.member.name})


def forget_member(act: Act, member: Member) -> None:
    """Whoever was removed leaves the account at the provider free for a new member. In the caller's transaction."""
    for link in SsoLink.select().where(SsoLink.member == member):
        forget(act, link)


def tell_admins(act: Act, settings: Settings, partner: Partner, news: str, **values: Any) -> None:
    """`news`: on, off, only_on, only_off, confirmed, refused or differs; the last three with `domain` or `who`."""
    admins = Member.select().where(Member.partner == partner, Member.role == "admin", Member.active)
    for admin in admins.order_by(Member.id):
        mail.queue(
            act, settings, "sso_news", to=admin.email, locale=admin.locale, of_partner=partner, path=PATH,
            name=admin.name, company=partner.legal_name, news=news,
            **{"domain": "", "who": "", "note": "", "by": act.actor_name, **values},
        )  # fmt: skip


def _lock(partner: Partner) -> None:
    locked(Partner.select().where(Partner.id == partner.id)).get()


def _refuse_odd(text: str, longest: int, field: str) -> None:
    if not text or len(text) > longest or not text.isascii() or not text.isprintable():
        raise SsoRefused(N_("Enter what your company's log-in shows, without spaces around it."), field)
