"""Signing in with a company's own log-in: to its provider, back, and whose log-in here it is.

Nobody comes into being by it: an existing member is found by a verified mail address of a confirmed domain, once; from
then on by issuer and subject alone, which the provider never gives to anybody else (Core 5.7).
"""

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from peewee import IntegrityError

from models.audit import AuditEvent
from models.base import locked, write_tx
from models.partner import Member, Partner
from models.session import Session
from models.sso import Sso, SsoFlow, SsoLink
from services import attempts, features, log_in, people, sessions, sso, sso_provider, sso_rules
from services.audit import Act, record
from services.refusal import N_, Refusal
from services.settings import Settings
from services.sso_channel import conversation
from services.sso_provider import AnswerRefused, Identity

TIME = timedelta(minutes=10)
TELL_AFTER = timedelta(days=1)

log = logging.getLogger("portal.log_in")


class NoOwnLogIn(Refusal):
    """Of a domain, whoever has an address of it or has none."""

    def __init__(self) -> None:
        super().__init__(N_("This domain has no log-in of its own here. Sign in with your password."), "email")


class FlowOver(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("This log-in took too long, or was begun in another browser. Begin again."))


class GivenUp(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("You did not sign in at your company's log-in. Begin again, or use another way."))


class NotAMember(Refusal):
    def __init__(self) -> None:
        super().__init__(
            N_("There is no log-in here for this account of your company. An administrator of it can invite you.")
        )


class NotVerified(Refusal):
    def __init__(self) -> None:
        super().__init__(
            N_("Your company's log-in does not say that your mail address is verified. Ask an administrator of it.")
        )


class SomebodyElse(Refusal):
    def __init__(self) -> None:
        super().__init__(
            N_("Another account of your company signs in with this mail address here. Its administrators were told.")
        )


class NotTheSame(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("That was not the account that you are signed in with here, or it was not asked afresh."))


@dataclass(frozen=True)
class Begun:
    """`url` is where the browser goes on; `flow_id` stays with the browser."""

    flow_id: int
    url: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Back:
    """What the browser came back with; all of it is somebody's input."""

    partner_public_id: str
    state: str
    code: str
    issuer: str | None
    error: str


@dataclass(frozen=True)
class SignedIn:
    member: Member
    second_shown: bool


def begin(act: Act, settings: Settings, address: str) -> Begun:
    """For the domain of a mail address; the address goes nowhere. Counted first. Raises TooManyAttempts, NoOwnLogIn,
    SsoRefused, AddressRefused, ProviderAway, ProviderUnfit, ProviderBusy."""
    attempts.count_of_network(act, attempts.SSO)
    found = sso_rules.of_address(address, act.at)
    if found is None:
        raise NoOwnLogIn
    return _lead(act, settings, found, "sign_in")


def begin_proof(act: Act, settings: Settings, member: Member) -> Begun:
    """As `begin`, for a member who is signed in and shows again who they are."""
    attempts.count_of_network(act, attempts.SSO)
    found = sso_rules.of_member(member, act.at)
    if found is None:
        raise NoOwnLogIn
    return _lead(act, settings, found, "prove", prompt="login", max_age="0")


def _lead(act: Act, settings: Settings, row: Sso, purpose: str, **more: str) -> Begun:
    client, state = sso.client(settings, row), secrets.token_urlsafe(32)
    with conversation(row.partner_id, loopback=settings.sso_loopback) as channel:
        provider = sso_provider.discover(channel, row.issuer, loopback=settings.sso_loopback)
    nonce, verifier = _of(settings, "nonce", state), _of(settings, "verifier", state)
    url = sso_provider.authorization_url(provider, client, state, nonce, verifier, **more)
    with write_tx():
        flow = SsoFlow.create(
            sso=row, purpose=purpose, state_hash=_digest(state), began_at=act.at, expires_at=act.at + TIME
        )
    return Begun(flow.id, url)


def finish(act: Act, settings: Settings, flow_id: int, back: Back) -> SignedIn:
    """Who it is that came back to sign in. `flow_id` is what the browser was given. Raises a Refusal of any kind; among
    them AccessEnded and MailNotConfirmed, said to who has shown who they are."""
    flow = _taken(act, flow_id, back, "sign_in")
    identity = _asked(act, settings, flow, back)
    member = _member_of(act, settings, flow.sso, identity)
    log_in.refuse_closed(act, settings, member)
    _bind(act, settings, member, identity)
    return SignedIn(member, _second_shown(flow.sso, identity))


def finish_proof(act: Act, settings: Settings, flow_id: int, back: Back, session: Session) -> None:
    """The same for a step-up: the same account, asked afresh. Raises as `finish` does, and NotTheSame."""
    flow = _taken(act, flow_id, back, "prove")
    identity = _asked(act, settings, flow, back)
    link = _link(identity)
    fresh = identity.auth_time is not None and identity.auth_time >= int(flow.began_at.timestamp()) - 60
    if link is None or link.member_id != session.member_id or not fresh:
        raise NotTheSame
    sessions.prove(act, session, "sso", second_factor=_second_shown(flow.sso, identity))


def _second_shown(row: Sso, identity: Identity) -> bool:
    return row.counts_second and identity.showed_second(tuple(row.acr_values.split()))


def tidy(at) -> int:
    """Removes log-ins from which nobody came back. For the worker."""
    with write_tx():
        return SsoFlow.delete().where(SsoFlow.expires_at <= at).execute()


def _taken(act: Act, flow_id: int, back: Back, purpose: str) -> SsoFlow:
    """What this browser has begun, once. The state alone opens nothing: it has to come from this browser, at the
    address of the partner with whose log-in it was begun."""
    flow = SsoFlow.get_or_none(SsoFlow.id == flow_id, SsoFlow.purpose == purpose)
    if flow is None or not hmac.compare_digest(flow.state_hash, _digest(back.state)):
        raise FlowOver
    with write_tx():
        won = SsoFlow.delete().where(SsoFlow.id == flow.id).execute()
    row = flow.sso
    if not won or flow.expires_at <= act.at or not row.enabled or row.partner.public_id != back.partner_public_id:
        raise FlowOver
    if features.off(sso_rules.AREA, row.partner_id, act.at):
        raise FlowOver
    return flow


def _asked(act: Act, settings: Settings, flow: SsoFlow, back: Back) -> Identity:
    """Exchanges the code at the provider with which this was begun, never at another (RFC 9207, RFC 9700)."""
    row = flow.sso
    client = sso.client(settings, row)
    try:
        if back.issuer is not None and back.issuer != row.issuer:
            raise AnswerRefused("iss of another provider")
        if back.error:
            raise GivenUp if back.error == "access_denied" else AnswerRefused(sso_provider.in_log(back.error))
        with conversation(row.partner_id, loopback=settings.sso_loopback) as channel:
            provider = sso_provider.discover(channel, row.issuer, loopback=settings.sso_loopback)
            if not back.code or (provider.names_itself and back.issuer is None):
                raise AnswerRefused("no code or no iss")
            keys = {"nonce": _of(settings, "nonce", back.state), "verifier": _of(settings, "verifier", back.state)}
            return sso_provider.identify(channel, provider, client, back.code, at=act.at, **keys)
    except AnswerRefused as refusal:
        log.info("company log-in refused (%s), request %s from %s", refusal.reason, act.request_id, act.ip)
        raise


def _member_of(act: Act, settings: Settings, row: Sso, identity: Identity) -> Member:
    """The member who is bound to this account; else the one with its verified address. Of the partner alone, and only
    with an address of a domain that is confirmed for it."""
    link = _link(identity)
    if link is None and not identity.email:
        raise NotVerified if identity.unverified_email else NotAMember
    member = link.member if link else people.with_address(identity.email)
    if not isinstance(member, Member) or member.partner_id != row.partner_id:
        raise NotAMember
    own = sso_rules.of_member(member, act.at)
    if own is None or own.id != row.id:
        raise NotAMember
    return member


def _bind(act: Act, settings: Settings, member: Member, identity: Identity) -> None:
    """At the first log-in, for good. Raises SomebodyElse."""
    own = people.acting(act, member)
    try:
        with write_tx():
            locked(Partner.select().where(Partner.id == member.partner_id)).get()
            link = SsoLink.get_or_none(SsoLink.member == member)
            if link is None:
                link = SsoLink.create(
                    member=member, issuer=identity.issuer, subject=identity.subject, created_at=act.at,
                    last_used_at=act.at,
                )  # fmt: skip
                record(own, "sso_link.bound", link, partner=member.partner_id, after={"member": member.name})
            same = (link.issuer, link.subject) == (identity.issuer, identity.subject)
            if same:
                SsoLink.update(last_used_at=act.at).where(SsoLink.id == link.id).execute()
            else:
                _tell(act, settings, member, link)
    except IntegrityError as failure:  # the account was bound to another member a moment ago
        raise SomebodyElse from failure
    if not same:
        raise SomebodyElse


def _tell(act: Act, settings: Settings, member: Member, link: SsoLink) -> None:
    """Once a day: whoever tries again and again does not fill the administrators' boxes."""
    told = (
        (AuditEvent.thing_kind == "sso_link")
        & (AuditEvent.thing_id == str(link.id))
        & (AuditEvent.action == "sso_link.refused")
    )
    if AuditEvent.select().where(told, AuditEvent.at > act.at - TELL_AFTER).exists():
        return
    record(act, "sso_link.refused", link, partner=member.partner_id, after={"member": member.name})
    sso.tell_admins(act, settings, member.partner, "differs", who=member.name)


def _link(identity: Identity) -> SsoLink | None:
    return SsoLink.get_or_none(SsoLink.issuer == identity.issuer, SsoLink.subject == identity.subject)


def _of(settings: Settings, what: str, state: str) -> str:
    """Nonce and PKCE verifier (43 characters, RFC 7636) follow from the state and the portal's key: neither is kept."""
    key = settings.secret_key.reveal().encode()
    made = hmac.new(key, f"sso {what}\n{state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
