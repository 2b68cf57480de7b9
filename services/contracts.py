"""Contracts: the right to capacity for a term (T14, T19). Created by operators, moved on by the calendar."""

import re
import secrets
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.core import Locale
from peewee import IntegrityError, fn

from models.base import locked, write_tx
from models.contract import CONTRACT_KINDS, Contract
from models.partner import Partner
from services import once, one_by_one
from services.audit import Act, record
from services.capacity import LARGEST_BYTES, SMALLEST_STEP_BYTES
from services.clock import local_day
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.verification import tell_admins

CURRENCIES = ("EUR", "CHF", "GBP", "USD")
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PRICE = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?")
LARGEST_PRICE_CENTS = Decimal(100_000)
LONGEST_NOTICE_DAYS = 3650


class ContractRefused(Refusal):
    """No contract was made."""


@dataclass(frozen=True)
class ContractTerms:
    """What is agreed. Capacity in bytes (decimal units), prices in cents per GB and month, egress in cents per GB.
    `ends_on` is the last day; None runs until notice is given."""

    number: str
    kind: str
    reserved_bytes: int
    allow_overdraft: bool
    price_cents: Decimal
    excess_price_cents: Decimal
    egress_price_cents: Decimal
    currency: str
    starts_on: date
    ends_on: date | None
    notice_days: int


def create(act: Act, settings: Settings, partner_id: int, terms: ContractTerms, once_key: str = "") -> Contract:
    """Makes a contract for an active partner and tells its administrators.

    Active at once when today, in the provider's time zone, lies in its term, else draft until its first day. Raises
    ContractRefused with the field that it concerns. The same `once_key` again gets the contract that it made.
    """
    try:
        return _create(act, settings, partner_id, terms, once_key)
    except IntegrityError as failure:  # looked at before, but another partner's contract got it at the same moment
        if not _number_taken(terms.number):
            raise
        raise _another_number() from failure


def _create(act: Act, settings: Settings, partner_id: int, terms: ContractTerms, once_key: str) -> Contract:
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == partner_id)).first()
        if partner is None:
            raise NotFound()
        earlier = once.earlier_answer(act, once_key, repr(terms)) if once_key else None
        if earlier is not None:
            return Contract.get(Contract.number == earlier)
        today = check(act, settings, partner, terms)
        contract = Contract.create(
            public_id=secrets.token_hex(13),
            partner=partner,
            state=state_on(today, terms),
            created_at=act.at,
            **vars(terms),
        )
        record(act, "contract.created", contract, partner=partner, after={**vars(terms), "state": contract.state})
        if once_key:
            once.remember(act, once_key, repr(terms), contract.number)
        tell_admins(act, settings, partner, "contract_created", "/home", contract=contract)
    return contract


def check(act: Act, settings: Settings, partner: Partner, terms: ContractTerms) -> date:
    """Raises ContractRefused where `create` would; returns today's date at the provider."""
    today = local_day(act.at, settings.provider.time_zone)
    _refuse(partner, terms, today)
    return today


def state_on(day: date, terms: ContractTerms | Contract) -> str:
    """What a contract that nobody terminated is on a day of the provider's calendar."""
    if terms.ends_on is not None and terms.ends_on < day:
        return "expired"
    return "active" if terms.starts_on <= day else "draft"


def sweep(act: Act, settings: Settings) -> list[Contract]:
    """Activates and expires contracts by the date in the provider's time zone (T19); returns those that it moved.
    Safe to run at any time and as often as one likes."""
    today = local_day(act.at, settings.provider.time_zone)
    begins = (Contract.state == "draft") & (Contract.starts_on <= today)
    ends = Contract.state.in_(("draft", "active")) & (Contract.ends_on < today)
    moved: list[Contract] = []

    def move(contract_id: int) -> None:
        if contract := _move(act, contract_id, today):
            moved.append(contract)

    one_by_one.rows(act, "term of contract", Contract.select(Contract.id).where(begins | ends), move)
    return moved


def suggested_number(at: date) -> str:
    """The next free number of the year: RCP-2026-0001."""
    start = f"RCP-{at.year}-"
    taken = Contract.select(Contract.number).where(Contract.number.startswith(start))
    ends = [contract.number.removeprefix(start) for contract in taken]
    counted = [int(end) for end in ends if re.fullmatch("[0-9]{4}", end)]
    return f"{start}{max(counted, default=0) + 1:04d}"


def parse_price_cents(text: str, locale: str = "en") -> Decimal:
    """Cents from "0.55" or "0,55", exact. Refuses what the reader's notation would group: "1.234" in German.
    Raises ContractRefused with a hint how to write it."""
    written = text.strip()
    group = "." if Locale.parse(locale).number_symbols["latn"]["decimal"] == "," else ","
    if re.fullmatch(rf"[1-9][0-9]{{0,2}}{re.escape(group)}[0-9]{{3}}", written):
        raise ContractRefused(
            N_('"%(price)s" can be read in more than one way. Enter it without grouping, like %(plain)s.'),
            price=written,
            plain=written.replace(group, ""),
        )
    if not PRICE.fullmatch(written):
        raise ContractRefused(N_("Enter a price in cents such as 0.55, with at most six decimals."))
    return Decimal(written.replace(",", "."))


def _move(act: Act, contract_id: int, today: date) -> Contract | None:
    with write_tx():
        contract = Contract.locked(contract_id)
        state = state_on(today, contract)
        if contract.state not in ("draft", "active") or contract.state == state:
            return None
        before, contract.state = contract.state, state
        contract.save(only=[Contract.state])
        action = "contract.activated" if state == "active" else "contract.expired"
        record(act, action, contract, partner=contract.partner_id, before={"state": before}, after={"state": state})
    return contract


def _refuse(partner: Partner, terms: ContractTerms, today: date) -> None:
    if partner.state != "active":
        raise ContractRefused(N_("Only an active partner gets a contract. Decide the application first."))
    if not NUMBER.fullmatch(terms.number):
        raise ContractRefused(N_("Use letters, digits, points and hyphens, at most 64."), "number")
    if _number_taken(terms.number):
        raise _another_number()
    if terms.kind not in CONTRACT_KINDS:
        raise ContractRefused(N_("Choose one of the kinds."), "kind")
    refuse_capacity(terms.kind, terms.reserved_bytes)
    refuse_prices(terms, terms.currency)
    _refuse_term(terms, today)


def _number_taken(number: str) -> bool:
    return Contract.select().where(fn.LOWER(Contract.number) == number.lower()).exists()


def _another_number() -> ContractRefused:
    return ContractRefused(N_("Another contract has this number. Choose another one."), "number")


def refuse_capacity(kind: str, reserved_bytes: int) -> None:
    """Raises ContractRefused for what is no capacity of a contract of this kind."""
    if reserved_bytes < 0 or reserved_bytes > LARGEST_BYTES or reserved_bytes % SMALLEST_STEP_BYTES:
        raise ContractRefused(N_("Enter whole gigabytes, such as 1 GB or 1.5 TB."), "reserved_bytes")
    if kind == "reserved" and not reserved_bytes:
        raise ContractRefused(N_("A reserved package needs a capacity above zero."), "reserved_bytes")


def refuse_prices(terms: object, currency: str) -> None:
    """Raises ContractRefused for a price or currency out of bounds."""
    if currency not in CURRENCIES:
        raise ContractRefused(N_("Choose one of the currencies."), "currency")
    for name in ("price_cents", "excess_price_cents", "egress_price_cents"):
        price = getattr(terms, name)
        if not price.is_finite() or price < 0 or price > LARGEST_PRICE_CENTS:
            raise ContractRefused(
                N_("Enter a price of 0 or more cents, at most %(most)s."), name, most=LARGEST_PRICE_CENTS
            )


def _refuse_term(terms: ContractTerms, today: date) -> None:
    if terms.ends_on is not None and terms.ends_on <= terms.starts_on:
        raise ContractRefused(
            N_("The last day must be after the first day, %(starts_on)s."), "ends_on", starts_on=terms.starts_on
        )
    if terms.ends_on is not None and terms.ends_on < today:
        raise ContractRefused(N_("The last day lies in the past. Today is %(today_on)s."), "ends_on", today_on=today)
    refuse_notice(terms.notice_days)


def refuse_notice(days: int) -> None:
    """Raises ContractRefused for a notice out of bounds."""
    if not 0 <= days <= LONGEST_NOTICE_DAYS:
        raise ContractRefused(N_("Enter between 0 and %(most)s days."), "notice_days", most=LONGEST_NOTICE_DAYS)
