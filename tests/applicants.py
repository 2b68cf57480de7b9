"""Companies that applied, and rows around them, for tests of the operators' pages."""

import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal

from selectolax.lexbor import LexborHTMLParser

from models.contract import Contract
from models.partner import DetailQuery, Member, Partner
from models.sub_account import Customer, Region, SubAccount
from services import names
from services.contracts import ContractTerms
from tests.cast import TB, password_hash

DETAILS = {
    "register_number": "HRB 4711",
    "vat_id": "ATU12345675",
    "country": "AT",
    "street": "Ring 7",
    "postcode": "1010",
    "city": "Wien",
    "phone": "+4315550100",
}


def applicant(
    at: datetime, name: str = "Fabrikam AG", state: str = "applied", locale: str = "en", **details
) -> Partner:
    """A company that waits for a decision, with one administrator."""
    word = names.key(name).encode("ascii", "ignore").decode().replace(" ", "-")[:20] + f"-{Partner.select().count()}"
    partner = Partner.create(
        public_id=word,
        state=state,
        legal_name=name,
        name_key=names.key(name),
        created_at=at - timedelta(days=2),
        applied_at=at - timedelta(days=1),
        **(DETAILS | details),
    )
    email = f"dana{partner.id}@applicant.example.com"
    Member.create(
        public_id=f"dana-{partner.id}",
        partner=partner,
        name="Dana Dorn",
        email=email,
        email_key=email,
        role="admin",
        declared_authority=True,
        password_hash=password_hash(),
        locale=locale,
        time_zone="Europe/Vienna",
        email_confirmed_at=at - timedelta(days=1),
        created_at=at - timedelta(days=2),
    )
    return partner


def answered(query: DetailQuery, value: str, at: datetime) -> None:
    """The partner's answer, as the application page writes it; the last one brings the application back."""
    query.value_after, query.answer, query.answered_by, query.answered_at = value, "Mended.", "Dana Dorn", at
    query.save()
    back = {} if query.partner.open_queries.exists() else {"state": "applied"}
    Partner.update({query.field: value, **back}).where(Partner.id == query.partner_id).execute()


def terms(today, **changes) -> ContractTerms:
    """Ten terabytes for a year from today."""
    usual = ContractTerms(
        number="RCP-2026-0001",
        kind="reserved",
        reserved_bytes=10 * TB,
        allow_overdraft=False,
        price_cents=Decimal("0.55"),
        excess_price_cents=Decimal("0.8"),
        egress_price_cents=Decimal(0),
        currency="EUR",
        starts_on=today,
        ends_on=today.replace(year=today.year + 1),
        notice_days=90,
    )
    return dataclasses.replace(usual, **changes)


def sub_account(contract: Contract, region: Region, at: datetime, number: str = "100000000001", **values) -> SubAccount:
    customer, _made = Customer.get_or_create(
        partner=contract.partner_id, name_key="lovelace", defaults={"name": "Lovelace KG", "created_at": at}
    )
    given = {
        "public_id": f"sub-{number}",
        "remote_uid": f"pp-test-{number}",
        "name": "Lovelace backup",
        "name_key": f"lovelace backup {number}",
        "contact_name": "Ada",
        "contact_email": "ada@example.com",
        "allocated_bytes": TB,
        "created_at": at,
        "next_attempt_at": at,
        "deadline_at": at + timedelta(minutes=15),
    } | values
    return SubAccount.create(
        partner=contract.partner_id, contract=contract, customer=customer, region=region, number=number, **given
    )


def texts_of(page, selector: str) -> list[str]:
    """The words of every element that the CSS selector finds in a response."""
    return [" ".join(node.text(deep=True).split()) for node in LexborHTMLParser(page.text).css(selector)]
