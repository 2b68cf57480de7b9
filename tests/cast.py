"""The people of every test: alice, bob and vera of Northwind, charlie of Contoso, olga and oscar of the provider."""

import functools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from argon2 import PasswordHasher

from models.base import write_tx
from models.contract import Contract
from models.installation import Installation
from models.operator import Operator
from models.partner import Member, Partner
from models.sub_account import Region
from models.terms import Acceptance, TermsVersion
from services import consent_records, legal_text
from services.audit import Act
from services.settings import Settings

PASSWORD = "correct horse battery staple"
TB = 10**12


@dataclass(frozen=True)
class Cast:
    northwind: Partner
    contoso: Partner
    alice: Member
    bob: Member
    vera: Member
    charlie: Member
    olga: Operator
    oscar: Operator
    contract: Contract
    other_contract: Contract
    region: Region
    password: str = PASSWORD


@functools.cache
def password_hash() -> str:
    """Once a session, and cheap: what a log-in costs is tested where passwords are."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@functools.cache
def _documents(provider) -> list[legal_text.LegalText]:
    values = {name: getattr(provider, name, "") for name in legal_text.PLACEHOLDERS}
    values["provider_name"], values["binding_language"] = provider.name, "en"
    pairs = [(kind, language) for kind in legal_text.KINDS for language in legal_text.LANGUAGES]
    return [legal_text.shipped(kind, language, values) for kind, language in pairs]


def act_of(person: Member | Operator | None, at: datetime, **more) -> Act:
    """The act of this person at this time, as a page would make it; nobody is the worker."""
    if person is None:
        return Act(at=at, **more)
    kind = "member" if isinstance(person, Member) else "operator"
    return Act(at=at, kind=kind, actor_id=str(person.id), actor_name=person.name, source="web", ip="192.0.2.7", **more)


def make_cast(settings: Settings, at: datetime) -> Cast:
    """Two active partners with a contract each, members who accepted every document, two operators, one region."""
    with write_tx():
        versions = _publish(settings, at - timedelta(days=100))
        northwind = _partner("northwind", "Northwind Traders GmbH", at)
        contoso = _partner("contoso", "Contoso Ltd", at)
        people = {
            "alice": _member(northwind, "Alice Adler", "admin", at),
            "bob": _member(northwind, "Bob Brandt", "staff", at),
            "vera": _member(northwind, "Vera Vogt", "viewer", at),
            "charlie": _member(contoso, "Charlie Chase", "admin", at),
        }
        for member in people.values():
            _accept(member, versions, at - timedelta(days=30))
        region = Region.create(
            name=settings.storage_region,
            endpoint="http://127.0.0.1:8333",
            s3_region="us-east-1",
            last_ok_at=at,
            tended_at=at + timedelta(days=1000),  # whatever a test does to the clock
        )
        Installation.create(id=1, code="cast00")
        return Cast(
            northwind,
            contoso,
            **people,
            olga=_operator("Olga Olsen", "owner", at),
            oscar=_operator("Oscar Otto", "support", at),
            contract=_contract(northwind, "RCP-1001", at),
            other_contract=_contract(contoso, "RCP-2001", at),
            region=region,
        )


def _publish(settings: Settings, at: datetime) -> list[TermsVersion]:
    return [
        TermsVersion.create(
            kind=text.kind,
            label=text.label,
            language=text.language,
            title=text.title,
            body=text.body,
            sha256=legal_text.digest(text.body),
            state="published",
            requires_acceptance=text.kind != "flow_down",
            published_at=at,
            effective_at=at,
            told_at=at,
        )
        for text in _documents(settings.provider)
    ]


def _partner(word: str, name: str, at: datetime) -> Partner:
    return Partner.create(
        public_id=word,
        state="active",
        legal_name=name,
        name_key=name.casefold(),
        register_number="HRB 1001 B",
        vat_id="DE136695976",
        country="DE",
        street="Hauptstraße 1",
        postcode="10115",
        city="Berlin",
        phone="+49301234567",
        created_at=at - timedelta(days=40),
        applied_at=at - timedelta(days=39),
        decided_at=at - timedelta(days=38),
    )


def _member(partner: Partner, name: str, role: str, at: datetime) -> Member:
    first = name.split()[0].lower()
    email = f"{first}@{partner.public_id}.example.com"
    return Member.create(
        public_id=first,
        partner=partner,
        name=name,
        email=email,
        email_key=email,
        phone="+49301234567",
        job_title="Purchasing",
        role=role,
        declared_authority=role == "admin",
        password_hash=password_hash(),
        time_zone="Europe/Berlin",
        email_confirmed_at=at - timedelta(days=40),
        created_at=at - timedelta(days=40),
    )


def _operator(name: str, right: str, at: datetime) -> Operator:
    email = f"{name.split()[0].lower()}@provider.example.com"
    return Operator.create(
        name=name,
        email=email,
        email_key=email,
        right=right,
        password_hash=password_hash(),
        created_at=at - timedelta(days=90),
    )


def _contract(partner: Partner, number: str, at: datetime) -> Contract:
    return Contract.create(
        public_id=number.lower(),
        partner=partner,
        number=number,
        kind="reserved",
        state="active",
        reserved_bytes=10 * TB,
        price_cents=Decimal("0.55"),
        excess_price_cents=Decimal("0.80"),
        egress_price_cents=Decimal("0"),
        starts_on=date(at.year, 1, 1),
        ends_on=date(at.year + 1, 12, 31),
        created_at=at - timedelta(days=38),
    )


def _accept(member: Member, versions: list[TermsVersion], at: datetime) -> None:
    for version in versions:
        if version.language != member.locale:
            continue
        row = Acceptance(
            version=version,
            sha256=version.sha256,
            partner=member.partner,
            partner_name=member.partner.legal_name,
            register_number=member.partner.register_number,
            member=member,
            member_name=member.name,
            member_email=member.email,
            member_role=member.role,
            declared_authority=member.declared_authority,
            method="tick_box_and_button",
            accepted_at=at,
            ip="192.0.2.7",
            user_agent="test",
            shown={},
            request_id="cast",
        )
        with write_tx():
            consent_records.keep(row)
