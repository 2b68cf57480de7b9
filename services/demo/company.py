"""The sample people: two operators, a partner with a contract, and a company that has only applied."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.contract import Contract
from models.operator import Operator
from models.partner import Member, Partner
from services import contracts, documents, links, log_in, operators, signup, verification
from services.clock import Clock, local_day
from services.demo.people import as_person, command
from services.people import email_key
from services.settings import Settings
from services.signup import confirmation, drafts

TB = 10**12


@dataclass(frozen=True)
class Colleague:
    email: str
    name: str
    right: str


# Two: what one of them writes, such as a new version of a document, the other one approves.
OLGA = Colleague("olga@provider.example.com", "Olga Berg", "owner")
OTTO = Colleague("otto@provider.example.com", "Otto Wiese", "manager")


@dataclass(frozen=True)
class Applicant:
    email: str
    name: str
    company: str
    vat_id: str


PARTNER = Applicant("mara@nordlicht-it.example.com", "Mara Lindner", "Nordlicht IT GmbH", "DE136695976")
APPLICANT = Applicant("jonas@kuestendaten.example.com", "Jonas Petersen", "Küstendaten e.K.", "DE129273398")


def operator(settings: Settings, clock: Clock, who: Colleague, password: str) -> Operator:
    """An operator who has chosen the password."""
    known = Operator.get_or_none(Operator.email_key == email_key(who.email))
    if known is not None and known.password_hash:
        return known
    token = operators.add(command(clock), settings, who.email, who.name, who.right)
    log_in.choose_password(command(clock), settings, "operator_setup", token, password)
    return Operator.get(Operator.email_key == email_key(who.email))


def has_signed_up(who: Applicant) -> bool:
    return _member(who) is not None


def applicant(settings: Settings, clock: Clock, who: Applicant, password: str) -> Member:
    """The administrator of a company that signed up, accepted the documents and confirmed its address."""
    if not has_signed_up(who):
        _sign_up(settings, clock, who, password)
    member = Member.get(Member.email_key == email_key(who.email))
    if member.email_confirmed_at is not None:
        return member
    act = command(clock)
    link = links.issue(act, confirmation.PURPOSE, member)
    return confirmation.confirm(act, settings, link, device_token=None, password=password)


def contract(settings: Settings, clock: Clock, olga: Operator, mara: Member) -> Contract:
    """The partner's contract, after the approval that it needs."""
    if Partner.get_by_id(mara.partner_id).state in verification.UNDECIDED:
        verification.approve(as_person(olga, clock), settings, mara.partner_id, rest=True)
    known = Contract.select().where(Contract.partner == mara.partner_id).order_by(Contract.id).first()
    return known or contracts.create(as_person(olga, clock), settings, mara.partner_id, contract_terms(settings, clock))


def _member(who: Applicant) -> Member | None:
    return Member.get_or_none(Member.email_key == email_key(who.email))


def _sign_up(settings: Settings, clock: Clock, who: Applicant, password: str) -> None:
    act = command(clock)
    given = {"legal_name": who.company, "register_number": "HRB 123456", "vat_id": who.vat_id, "country": "DE"}
    given |= {"street": "Speicherstraße 12", "postcode": "20457", "city": "Hamburg", "phone": "+49 40 3071234"}
    token = drafts.keep_company(act, settings, None, given)
    person = {"name": who.name, "email": who.email, "phone": "", "job_title": "Inhaberin", "relation": "employee"}
    token = drafts.keep_person(act, settings, token, person, password)
    agreed = [(row.id, row.sha256) for row in documents.required_at_sign_up("en", act.at)]
    signup.apply(act, settings, token, agreed, shown={"made_by": "sample data"}, declared_authority=True, locale="en")


def contract_terms(settings: Settings, clock: Clock) -> contracts.ContractTerms:
    """Begins today at the provider: begun by another day it would be a draft, which takes no sub-accounts."""
    today = local_day(clock.now(), settings.provider.time_zone)
    return contracts.ContractTerms(
        number=contracts.suggested_number(today),
        kind="reserved",
        reserved_bytes=10 * TB,
        allow_overdraft=False,
        price_cents=Decimal("0.55"),
        excess_price_cents=Decimal("0.9"),
        egress_price_cents=Decimal(0),
        currency="EUR",
        starts_on=today,
        ends_on=date(today.year + 2, 12, 31),
        notice_days=90,
    )
