"""Sample data for a first look, made through the same functions that the pages use.

Only the use of past days is written directly: nobody can measure the past.
"""

import os
import secrets
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from models.base import write_tx
from models.operator import Operator
from models.partner import Member, Partner
from models.sub_account import SubAccount
from models.usage import UsageDay
from services import (
    access_keys,
    contracts,
    documents,
    links,
    log_in,
    operators,
    people,
    signup,
    sub_accounts,
    verification,
)
from services.audit import Act
from services.clock import Clock
from services.secret import Secret
from services.settings import Settings
from services.signup import confirmation, drafts
from services.storage import samples
from services.sub_accounts import SubAccountWish

TB, GB, MB = 10**12, 10**9, 10**6
WAIT_SECONDS = 60
OPERATOR_EMAIL = "olga@provider.example.com"
PARTNER_EMAIL = "mara@nordlicht-it.example.com"
APPLICANT_EMAIL = "jonas@kuestendaten.example.com"


@dataclass(frozen=True)
class Sample:
    """One customer. `stored_bytes` are really stored; None: its first key waits to be shown."""

    customer: str
    contact: str
    email: str
    allocated_bytes: int
    allow_overdraft: bool
    stored_bytes: int | None


CUSTOMERS = (
    Sample("Bäckerei Sonnenschein GmbH", "Petra Sonne", "it@sonnenschein.example.com", 2 * TB, False, 12 * MB),
    Sample("Müller & Söhne Maschinenbau KG", "Jens Müller", "edv@mueller-soehne.example.com", 3 * TB, True, 40 * MB),
    Sample("Praxis Dr. Weber", "Anna Weber", "praxis@dr-weber.example.com", 1 * GB, False, 260 * MB),
    Sample("Architekturbüro Lindqvist", "Lars Lindqvist", "post@lindqvist.example.com", 750 * GB, False, None),
)


def make(settings: Settings, clock: Clock) -> list[str]:
    """Makes the sample data once and returns the lines that tell how to sign in. May be repeated; never on a portal
    that real people use: a database with other partners is left alone."""
    if people.with_address(PARTNER_EMAIL) is None:
        if Partner.select().exists() or Operator.select().exists():
            return ["This database is in use, so no sample data was added."]
        _make_all(settings, clock, password=_keep_password(settings))
    return _log_ins(settings)


def _make_all(settings: Settings, clock: Clock, password: str) -> None:
    olga = _operator(settings, clock, password)
    mara = _applicant(settings, clock, PARTNER_EMAIL, "Mara Lindner", "Nordlicht IT GmbH", "DE136695976", password)
    verification.approve(_as(olga, clock), settings, mara.partner_id)
    contract = contracts.create(_as(olga, clock), settings, mara.partner_id, _terms(clock))
    made = [_sub_account(settings, clock, mara, contract.number, sample) for sample in CUSTOMERS]
    _applicant(settings, clock, APPLICANT_EMAIL, "Jonas Petersen", "Küstendaten e.K.", "DE129273398", password)
    real = not settings.storage_url.startswith("memory:")
    for account, sample in zip(made if real else [], CUSTOMERS, strict=real):
        ready = _await_ready(account.id)
        if ready is not None and sample.stored_bytes is not None:
            _store(settings, clock, mara, ready, sample.stored_bytes)
    _past_days(clock, made)


def _operator(settings: Settings, clock: Clock, password: str) -> Operator:
    token = operators.add(_command(clock), settings, OPERATOR_EMAIL, "Olga Berg", "owner")
    log_in.choose_password(_command(clock), settings, "operator_setup", token, password)
    return Operator.get(Operator.email == OPERATOR_EMAIL)


def _applicant(
    settings: Settings, clock: Clock, email: str, name: str, company: str, vat_id: str, password: str
) -> Member:
    """A company that signed up, accepted the documents and confirmed its address."""
    act = _command(clock)
    given = {"legal_name": company, "register_number": "HRB 123456", "vat_id": vat_id, "country": "DE"}
    given |= {"street": "Speicherstraße 12", "postcode": "20457", "city": "Hamburg", "phone": "+49 40 3071234"}
    token = drafts.keep_company(act, settings, None, given)
    person = {"name": name, "email": email, "phone": "", "job_title": "Inhaberin", "relation": "employee"}
    token = drafts.keep_person(act, settings, token, person, password)
    agreed = [(row.id, row.sha256) for row in documents.required_at_sign_up("en", act.at)]
    signup.apply(act, settings, token, agreed, shown={"made_by": "sample data"}, declared_authority=True, locale="en")
    member = Member.get(Member.email == email)
    link = links.issue(act, confirmation.PURPOSE, member)
    return confirmation.confirm(act, settings, link, device_token=token, password=password)


def _terms(clock: Clock) -> contracts.ContractTerms:
    today = clock.now().date()
    return contracts.ContractTerms(
        number=f"RCP-{today.year}-0001",
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


def _sub_account(settings: Settings, clock: Clock, mara: Member, contract: str, sample: Sample) -> SubAccount:
    wish = SubAccountWish(
        contract_number=contract,
        region=settings.storage_region,
        customer=sample.customer,
        name="",
        contact_name=sample.contact,
        contact_email=sample.email,
        billing="reserved",
        allocated_bytes=sample.allocated_bytes,
        allow_overdraft=sample.allow_overdraft,
        flow_down_reference="MSA-2026",
        flow_down_agreed_on=clock.now().date() - timedelta(days=14),
    )
    return sub_accounts.create(_as(mara, clock), settings, mara.partner, wish, secrets.token_urlsafe(16))


def _await_ready(account_id: int) -> SubAccount | None:
    """The sub-account once the worker has set it up; None when that takes too long (the worker goes on by itself)."""
    for _ in range(WAIT_SECONDS * 5):
        account = SubAccount.get_by_id(account_id)
        if account.phase == "ready":
            return account
        time.sleep(0.2)
    return None


def _store(settings: Settings, clock: Clock, mara: Member, account: SubAccount, stored_bytes: int) -> None:
    """Uses the first key as the customer would, so that there is use to be measured."""
    act = replace(_as(mara, clock), session_hash="sample data")
    key = access_keys.own_keys(account.partner, account)[0]
    key_id, secret = access_keys.reveal(act, settings, key.id)
    access_keys.note_stored(act, key.id)
    samples.store(account.region.endpoint, account.region.s3_region, account.main_bucket, key_id, secret, stored_bytes)


def _past_days(clock: Clock, accounts: list[SubAccount]) -> None:
    today = clock.now().date()
    rows = []
    for account, sample in zip(accounts, CUSTOMERS, strict=True):
        for ago in range(1, 30):
            used_bytes = (sample.stored_bytes or 0) * (40 - ago) // 40
            rows.append(
                {
                    "sub_account": account.id,
                    "day_on": today - timedelta(days=ago),
                    "samples": 24,
                    "sum_bytes": used_bytes * 24,
                    "average_bytes": used_bytes,
                    "peak_bytes": used_bytes,
                    "last_bytes": used_bytes,
                    "allocated_bytes": sample.allocated_bytes,
                    "measured_at": clock.now() - timedelta(days=ago),
                }
            )
    with write_tx():
        UsageDay.insert_many(rows).execute()


def _command(clock: Clock) -> Act:
    return Act(at=clock.now(), actor_name="sample data", source="cli")


def _as(person: Member | Operator, clock: Clock) -> Act:
    kind = person._meta.table_name
    return Act(at=clock.now(), kind=kind, actor_id=str(person.id), actor_name=person.name, source="cli")


def _password_file(settings: Settings) -> Path:
    return settings.var_dir / "sample-password.txt"


def _keep_password(settings: Settings) -> str:
    """One password for the sample people, made here and kept beside the data: no installation shares it."""
    password = Secret(f"sample-{secrets.token_hex(5)}-{secrets.token_hex(5)}")
    path = _password_file(settings)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password.reveal())
    return password.reveal()


def _log_ins(settings: Settings) -> list[str]:
    path = _password_file(settings)
    password = path.read_text() if path.exists() else "the one chosen when the sample data were made"
    return [
        "Sample log-ins (one password for all):",
        f"  partner's administrator   {PARTNER_EMAIL}",
        f"  provider's operator       {OPERATOR_EMAIL}",
        f"  company that has applied  {APPLICANT_EMAIL}",
        f"  password                  {password}",
    ]
