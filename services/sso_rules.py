"""Whose company's log-in signs whom in, and who signs in with nothing else."""

from datetime import datetime

from models.operator import Operator
from models.partner import Member, Partner
from models.sso import Sso, SsoDomain
from services import features, people
from services.audit import Act
from services.refusal import N_, Refusal

AREA = "sso"


class OwnLogInOnly(Refusal):
    """Said only after the right password or passkey."""

    def __init__(self) -> None:
        super().__init__(
            N_("Your company wants its own log-in to be used. Choose \u201cSign in with your company's log-in\u201d.")
        )


def domain_of(address: str) -> str:
    """The domain of a mail address in the form in which domains are kept: small letters, ASCII (RFC 5890)."""
    domain = people.email_key(address).rpartition("@")[2]
    try:
        return domain.encode("idna").decode().rstrip(".")
    except UnicodeError:
        return ""


def of_address(address: str, at: datetime) -> Sso | None:
    """The log-in of the company whose domain this is; it says nothing about whether anybody has the address."""
    domain = domain_of(address)
    found = (
        Sso.select(Sso, Partner)
        .join(Partner)
        .join(SsoDomain, on=(SsoDomain.partner == Partner.id))
        .where(SsoDomain.domain == domain, SsoDomain.confirmed_at.is_null(False), Sso.enabled)
        .first()
    )
    return None if found is None or features.off(AREA, found.partner_id, at) else found


def any_on(at: datetime) -> bool:
    """Whether any company's log-in signs people in now."""
    return features.off(AREA, None, at) is None and Sso.select().where(Sso.enabled).exists()


def of_member(member: Member, at: datetime) -> Sso | None:
    """The log-in with which this member can sign in."""
    found = of_address(member.email, at)
    return found if found is not None and found.partner_id == member.partner_id else None


def keeps_password(sso: Sso, member: Member) -> bool:
    """Whether the password stays a way in although the company wants its own log-in alone: for the administrator who
    was named, and for every administrator once that one is none any more. Else nobody could mend a broken log-in."""
    if member.role != "admin":
        return False
    named = Member.get_or_none(
        Member.id == sso.kept_by_id, Member.partner == sso.partner_id, Member.role == "admin", Member.active
    )
    return named is None or named.id == member.id


def refuse_other_ways(act: Act, person: Member | Operator) -> None:
    """For who has shown a password or a passkey. Raises OwnLogInOnly."""
    if not isinstance(person, Member):
        return
    sso = of_member(person, act.at)
    if sso is not None and sso.only_way and not keeps_password(sso, person):
        raise OwnLogInOnly
