"""Sample data for a first look, made through the same functions that the pages use.

Each step asks the database what there is already, so that an interrupted `demo` is finished by the next one. What is
finished is left alone: whoever looks around may change and delete everything.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from models.audit import AuditEvent
from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.usage import UsageDay
from services.audit import record
from services.clock import Clock
from services.demo import accounts, company, everyday
from services.demo.accounts import CUSTOMERS
from services.demo.company import APPLICANT, OLGA, OTTO, PARTNER
from services.demo.people import command
from services.people import email_key
from services.secret import Secret
from services.settings import Settings

FINISHED = "sample_data.made"
PAST_DAYS = 29


def make(settings: Settings, clock: Clock) -> list[str]:
    """Makes the sample data, or what is missing of them, and returns the lines that tell how to sign in. Never on a
    portal that real people use: a database with other partners is left alone."""
    if not AuditEvent.select().where(AuditEvent.action == FINISHED).exists():
        if _is_in_use():
            return ["This database is in use, so no sample data was added."]
        _make_all(settings, clock, password=_kept_password(settings))
    return _log_ins(settings)


def _is_in_use() -> bool:
    """By others than the sample people, of whom an interrupted `demo` may have left some."""
    own = [email_key(email) for email in (OLGA.email, OTTO.email, PARTNER.email, APPLICANT.email)]
    others = (
        Operator.select().where(Operator.email_key.not_in(own)),
        Member.select().where(Member.email_key.not_in(own)),
    )
    return not company.has_signed_up(PARTNER) and any(query.exists() for query in others)


def _make_all(settings: Settings, clock: Clock, password: str) -> None:
    olga = company.operator(settings, clock, OLGA, password)
    company.operator(settings, clock, OTTO, password)
    mara = company.applicant(settings, clock, PARTNER, password)
    contract = company.contract(settings, clock, olga, mara)
    made = [accounts.sub_account(settings, clock, mara, contract, sample) for sample in CUSTOMERS]
    company.applicant(settings, clock, APPLICANT, password)
    everyday.everything(settings, clock, olga, mara, contract)
    if not settings.storage_url.startswith("memory:") and not accounts.store_all(settings, clock, made):
        return  # the worker goes on by itself; the next `demo` stores what is missing
    rows = [row for account, sample in zip(made, CUSTOMERS, strict=True) for row in _past_days(clock, account, sample)]
    with write_tx():
        # nobody can measure the past: the only rows that are written directly
        UsageDay.insert_many(rows).on_conflict_ignore().execute()
        record(command(clock), FINISHED, olga)


def _past_days(clock: Clock, account, sample: accounts.Sample) -> list[dict]:
    """UTC days, as measuring has them."""
    today, days = clock.now().date(), []
    for ago in range(1, PAST_DAYS + 1):
        used_bytes = (sample.stored_bytes or 0) * (40 - ago) // 40
        days.append(
            {
                "sub_account": account.id,
                "day_on": today - timedelta(days=ago),
                "samples": 24,
                "hours": 24,
                "average_bytes": used_bytes,
                "peak_bytes": used_bytes,
                "last_bytes": used_bytes,
                "allocated_bytes": sample.allocated_bytes,
                "measured_at": clock.now() - timedelta(days=ago),
            }
        )
    return days


def _password_file(settings: Settings) -> Path:
    return settings.var_dir / "sample-password.txt"


def _kept_password(settings: Settings) -> str:
    """One password for the sample people, made here and kept beside the data: no installation shares it. It is kept
    before the first of them is there, and the same again after an interruption."""
    path = _password_file(settings)
    if path.exists():
        return path.read_text()
    password = Secret(f"sample-{secrets.token_hex(5)}-{secrets.token_hex(5)}")
    half = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password.reveal())
    half.replace(path)
    return password.reveal()


def _log_ins(settings: Settings) -> list[str]:
    path = _password_file(settings)
    password = path.read_text() if path.exists() else "the one chosen when the sample data were made"
    return [
        "Sample log-ins (one password for all):",
        f"  partner's administrator   {PARTNER.email}",
        f"  provider's operator       {OLGA.email}",
        f"  provider's second one     {OTTO.email}",
        f"  company that has applied  {APPLICANT.email}",
        f"  password                  {password}",
    ]
