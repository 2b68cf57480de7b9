"""A partner's log-in provider, in the words of OpenID Connect Core and Discovery 1.0; the protocol is Authlib's, the
signatures are joserfc's, what is asked where is decided here.

Authorization code flow with PKCE (S256), state and nonce. Nothing is kept between two log-ins: metadata and keys are
read anew for each, so that a key that the provider changed, or withdrew, counts at once.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core.claims import CodeIDToken
from authlib.oidc.discovery.well_known import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from services.refusal import N_, Refusal
from services.secret import Secret
from services.sso_channel import Channel, ProviderAway, checked_address

SCOPE = "openid email"
# signatures with a public key alone: "none" and those with the client's secret are not among them
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
AUTH_METHODS = ("client_secret_basic", "client_secret_post")
LEEWAY_SECONDS = 60
MOST_KEYS = 20
SHORTEST_RSA = 342  # base64url of 2048 bits
MICROSOFT = "login.microsoftonline.com"


class ProviderUnfit(Refusal):
    """What it says of itself cannot be worked with."""


class AnswerRefused(Refusal):
    """What came back does not prove who somebody is. The reason is for the log alone."""

    def __init__(self, reason: str):
        self.reason = reason
        super().__init__(N_("Your company's log-in gave an answer that does not hold here. Begin again."))


@dataclass(frozen=True)
class Client:
    """What the portal is to the provider."""

    client_id: str
    secret: Secret
    redirect_uri: str


@dataclass(frozen=True)
class Provider:
    """Of its metadata what is used. `names_itself`: its answers carry `iss` (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    auth_method: str
    names_itself: bool


@dataclass(frozen=True)
class Identity:
    """Who the provider says signed in. `email` is empty unless it says that the address is verified."""

    issuer: str
    subject: str
    email: str
    unverified_email: bool
    auth_time: int | None
    methods: tuple[str, ...] = field(default=())
    acr: str = ""

    def showed_second(self, acr_values: tuple[str, ...]) -> bool:
        """Whether more than one factor was shown: `mfa` of RFC 8176, or one of the values that the partner named."""
        return "mfa" in self.methods or (self.acr != "" and self.acr in acr_values)


def discover(channel: Channel, issuer: str, *, loopback: bool = False) -> Provider:
    """Raises AddressRefused, ProviderAway, ProviderUnfit."""
    answer = channel.get(get_well_known_url(issuer, external=True))
    told = answer.json()
    if answer.status_code != 200 or not isinstance(told, dict):
        raise ProviderAway(answer.host)
    if told.get("issuer") != issuer:
        called = str(told.get("issuer", ""))[:200]
        raise ProviderUnfit(N_("The log-in calls itself %(called)s. Enter exactly that."), "issuer", called=called)
    _refuse_unfit(told)
    ends = {name: str(told.get(name) or "") for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for url in ends.values():
        checked_address(url, loopback=loopback)
    return Provider(
        issuer=issuer,
        **ends,
        userinfo_endpoint=str(told.get("userinfo_endpoint") or ""),
        auth_method=_auth_method(told),
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _refuse_unfit(told: dict) -> None:
    if "code" not in _listed(told, "response_types_supported", ["code"]):
        raise ProviderUnfit(N_("The log-in offers no authorization code flow, which the portal needs."), "issuer")
    if "S256" not in _listed(told, "code_challenge_methods_supported", ["S256"]):
        raise ProviderUnfit(N_("The log-in does not offer PKCE with S256, which the portal needs."), "issuer")
    if not set(ALGORITHMS) & set(_listed(told, "id_token_signing_alg_values_supported", ["RS256"])):
        raise ProviderUnfit(N_("The log-in signs in no way that the portal can check, such as RS256."), "issuer")


def _auth_method(told: dict) -> str:
    offered = _listed(told, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
    for method in AUTH_METHODS:
        if method in offered:
            return method
    raise ProviderUnfit(N_("The log-in does not take a client secret, which the portal needs."), "issuer")


def _listed(told: dict, name: str, assumed: list[str]) -> list[str]:
    """What the metadata list under this name; what holds by the standard where they say nothing."""
    given = told.get(name)
    return (
        assumed if given is None else [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    )


def check_keys(channel: Channel, provider: Provider) -> int:
    """How many keys it signs with that the portal can use. Raises ProviderAway, ProviderUnfit."""
    number = len(_keys(channel, provider))
    if not number:
        raise ProviderUnfit(N_("The log-in publishes no key that the portal can check signatures with."), "issuer")
    return number


def authorization_url(provider: Provider, client: Client, state: str, nonce: str, verifier: str, **more: str) -> str:
    url, _state = _authlib(None, client, provider).create_authorization_url(
        provider.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce, **more
    )
    return url


def identify(
    channel: Channel, provider: Provider, client: Client, code: str, *, nonce: str, verifier: str, at: datetime
) -> Identity:
    """Exchanges the code and says who it is. Raises AnswerRefused, ProviderAway, AddressRefused."""
    try:
        token = _authlib(channel, client, provider).fetch_token(
            provider.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
        )
    except (OAuth2Error, ValueError) as failure:
        raise AnswerRefused(f"token endpoint: {in_log(getattr(failure, 'error', None))}") from failure
    raw, access = token.get("id_token"), token.get("access_token")
    if not isinstance(raw, str):
        raise AnswerRefused("no id_token")
    claims = _checked_claims(channel, provider, client, raw, nonce, access, at)
    return _identity(provider, claims, _told_of(channel, provider, claims, access))


def in_log(code: object) -> str:
    """An error code of the protocol, as far as it is one: what others send makes no lines in the log."""
    return code if isinstance(code, str) and re.fullmatch("[a-z_]{1,40}", code) else "no code"


def _authlib(channel: Channel | None, client: Client, provider: Provider) -> OAuth2Client:
    return OAuth2Client(
        channel, client.client_id, client.secret.reveal(), token_endpoint_auth_method=provider.auth_method,
        scope=SCOPE, redirect_uri=client.redirect_uri, code_challenge_method="S256",
    )  # fmt: skip


def _checked_claims(
    channel: Channel, provider: Provider, client: Client, raw: str, nonce: str, access: Any, at: datetime
) -> dict[str, Any]:
    """Of an id_token whose signature is the provider's, made for this client, this browser and now."""
    token = _signed(_keys(channel, provider), raw)
    claims = CodeIDToken(
        token.claims,
        token.header,
        options={
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": client.client_id},
            "exp": {"essential": True},
        },
        params={"nonce": nonce, "client_id": client.client_id, "access_token": access},
    )
    try:
        claims.validate(now=int(at.timestamp()), leeway=LEEWAY_SECONDS)
    except (JoseError, TypeError, ValueError) as failure:
        raise AnswerRefused(f"id_token: {type(failure).__name__} {getattr(failure, 'claim', '')}") from failure
    return dict(claims)


def _signed(keys: list[Any], raw: str) -> jwt.Token:
    failed: Exception | None = None
    for key in keys:
        try:
            token = jwt.decode(raw, key, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError) as failure:
            failed = failure
            continue
        return token
    raise AnswerRefused(f"signature: {type(failed).__name__}") from failed


def _keys(channel: Channel, provider: Provider) -> list[Any]:
    """The provider's present public keys for signatures; what cannot be read is left out."""
    answer = channel.get(provider.jwks_uri)
    told = answer.json()
    listed = told.get("keys") if isinstance(told, dict) else None
    if answer.status_code != 200 or not isinstance(listed, list):
        raise ProviderAway(answer.host)
    found = []
    for one in listed[:MOST_KEYS]:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") not in ("RSA", "EC"):
            continue
        if one["kty"] == "RSA" and len(str(one.get("n", ""))) < SHORTEST_RSA:
            continue
        try:
            found.append(JWKRegistry.import_key(one))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


def _told_of(channel: Channel, provider: Provider, claims: dict, access: Any) -> dict[str, Any]:
    """The claims with the mail address in them: some providers tell it only at the userinfo endpoint (Core 5.3)."""
    if "email" in claims or not provider.userinfo_endpoint or not isinstance(access, str) or not access.isascii():
        return claims
    told = channel.get(provider.userinfo_endpoint, {"Authorization": f"Bearer {access}"}).json()
    if not isinstance(told, dict) or told.get("sub") != claims.get("sub"):
        raise AnswerRefused("userinfo is about somebody else")
    return {**claims, **{name: told[name] for name in ("email", "email_verified") if name in told}}


def _identity(provider: Provider, claims: dict, told: dict) -> Identity:
    subject, email = claims.get("sub"), told.get("email")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise AnswerRefused("sub")
    email = email if isinstance(email, str) and len(email) <= 254 else ""
    verified = _is_verified(provider, told)
    methods = claims.get("amr") or []
    auth_time = claims.get("auth_time")
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        email=email if verified else "",
        unverified_email=bool(email) and not verified,
        auth_time=int(auth_time) if isinstance(auth_time, int | float) else None,
        methods=tuple(method for method in methods if isinstance(method, str)),
        acr=str(claims.get("acr") or "")[:255],
    )


def _is_verified(provider: Provider, told: dict) -> bool:
    """Microsoft knows no email_verified; its xms_edov says that the address is of a domain that the tenant proved."""
    if told.get("email_verified") is True:
        return True
    return urlsplit(provider.issuer).hostname == MICROSOFT and told.get("xms_edov") in (True, 1, "1", "true", "True")
