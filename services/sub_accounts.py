"""Sub-accounts: opened with their first allocation, first key and flow-down record; renamed; found by their owner."""

import secrets
from dataclasses import dataclass, replace
from datetime import date

from peewee import IntegrityError

from models.base import locked, write_tx
from models.contract import Contract
from models.partner import Partner
from models.sub_account import BILLING, AccessKey, Customer, Region, SubAccount
from models.terms import TermsVersion
from services import flow_down, flow_down_attesting, flow_down_limits, flow_down_links, names, once, remote_names
from services.allocation import AllocationRefused, open_allocation
from services.allocation_ledger import APPLY_WITHIN, new_batch
from services.audit import Act, record
from services.capacity import SMALLEST_STEP_BYTES
from services.flow_down_attesting import Attestation
from services.refusal import N_, Refusal
from services.settings import Settings
from services.uploads import CheckedPdf


class SubAccountRefused(Refusal):
    """No sub-account was opened or changed."""


@dataclass(frozen=True)
class SubAccountWish:
    """What a member asks for. An empty `name` means the customer's. `allocated_bytes` counts only for the billing
    "reserved"; "pay_per_use" has no fixed allocation. `flow_down_way` (T2): "attested", the customer has agreed to the
    terms, or to equivalent ones, in the contract `flow_down_reference` on `flow_down_agreed_on`, which the PDF
    `flow_down_document` may show; or "link", the contact is sent a link in the language `locale`."""

    contract_number: str
    region: str
    customer: str
    name: str
    contact_name: str
    contact_email: str
    billing: str
    allocated_bytes: int
    allow_overdraft: bool
    flow_down_reference: str
    flow_down_agreed_on: date | None
    flow_down_way: str = "attested"
    flow_down_document: CheckedPdf | None = None
    locale: str = ""

    @property
    def attestation(self) -> Attestation | None:
        if self.flow_down_way != "attested" or self.flow_down_agreed_on is None:
            return None
        return Attestation(self.flow_down_reference, self.flow_down_agreed_on, self.flow_down_document)


def create(act: Act, settings: Settings, partner: Partner, wish: SubAccountWish, once_key: str) -> SubAccount:
    """Opens a sub-account: row, ledger line, first key (to be made by the worker), flow-down record, all or nothing.

    Raises SubAccountRefused, NameRefused, FlowDownRefused or AllocationRefused with the form field that it concerns.
    The same `once_key` again gets the sub-account that it made.
    """
    try:
        return _create(act, settings, partner, wish, once_key)
    except IntegrityError:  # another request made the same customer at this moment: now its row is there to be found
        return _create(act, settings, partner, wish, once_key)


def describe(act: Act, account: SubAccount, name: str, contact_name: str, contact_email: str) -> SubAccount:
    """Changes what the partner calls the sub-account and whom it reaches there. Raises NameRefused and
    SubAccountRefused."""
    values = {
        "name": names.tidy(name, "name"),
        "contact_name": names.without_link(names.tidy(contact_name, "contact_name"), "contact_name"),
        "contact_email": contact_email.strip(),
    }
    with write_tx():
        locked(Partner.select().where(Partner.id == account.partner_id)).get()
        account = locked(SubAccount.select().where(SubAccount.id == account.id)).get()
        _refuse_taken(account.partner_id, values["name"], account)
        before = {key: getattr(account, key) for key in values}
        if before == values:
            return account
        for key, value in values.items():
            setattr(account, key, value)
        if before["contact_email"] != values["contact_email"]:
            flow_down_links.end(act, account, "withdrawn")  # it went to somebody who is not the contact any more
        account.name_key = names.key(account.name)
        account.save(only=[*values, "name_key"])
        record(act, "sub_account.described", account, partner=account.partner_id, before=before, after=values)
    return account


def _create(act: Act, settings: Settings, partner: Partner, wish: SubAccountWish, once_key: str) -> SubAccount:
    content = _content(wish)
    with write_tx():
        contract = _locked_contract(partner, wish.contract_number)
        earlier = once.earlier_answer(act, once_key, content)
        if earlier is not None:
            return SubAccount.get(SubAccount.partner == partner, SubAccount.number == earlier)
        # names are unique per partner, and the partner may have several contracts: its row is the second lock
        locked(Partner.select().where(Partner.id == partner.id)).get()
        version = _refuse_unfit(act, settings, contract, wish)
        account = _open(act, partner, contract, wish)
        open_allocation(act, contract, account, account.allocated_bytes, new_batch())
        _record(act, account, wish, version)
        _agree(act, settings, account, wish, version)
        once.remember(act, once_key, content, account.number)
    return account


def _locked_contract(partner: Partner, number: str) -> Contract:
    found = Contract.get_or_none(Contract.partner == partner, Contract.number == number)
    if found is None:
        raise SubAccountRefused(N_("Choose one of your contracts."), "contract")
    return Contract.locked(found.id)


def _refuse_unfit(act: Act, settings: Settings, contract: Contract, wish: SubAccountWish) -> TermsVersion:
    """The rules that a form cannot know by itself; returns the flow-down version that the record will name."""
    if contract.state != "active":
        raise SubAccountRefused(N_("This contract is not active. Choose another one."), "contract")
    _refuse_billing(contract, wish)
    if wish.flow_down_way != "link":
        if wish.attestation is None:
            raise SubAccountRefused(N_("Enter the day on which the customer agreed."), "agreed_on")
        flow_down_attesting.refuse_unfit(act, settings, wish.attestation)
    return flow_down.in_force(act.at, settings.locales[0])


def _refuse_billing(contract: Contract, wish: SubAccountWish) -> None:
    if wish.billing not in BILLING:
        raise SubAccountRefused(N_("Choose one of the two."), "billing")
    if contract.kind == "pay_per_use" and wish.billing != "pay_per_use":
        raise SubAccountRefused(N_("This contract is pay per use: choose no fixed allocation."), "billing")
    if wish.billing == "reserved" and (wish.allocated_bytes < 0 or wish.allocated_bytes % SMALLEST_STEP_BYTES):
        raise AllocationRefused(N_("Enter whole gigabytes, such as 1 GB or 1.5 TB."))


def _open(act: Act, partner: Partner, contract: Contract, wish: SubAccountWish) -> SubAccount:
    customer = _customer(act, partner, wish.customer)
    name = names.tidy(wish.name or customer.name, "name")
    _refuse_taken(partner.id, name)
    region = Region.get_or_none(Region.name == wish.region)
    if region is None:
        raise SubAccountRefused(N_("Choose one of the regions."), "region")
    if region.closed or region.removed_at is not None:
        raise SubAccountRefused(N_("This region takes no new sub-accounts. Choose another one."), "region")
    fixed = wish.billing == "reserved"
    return SubAccount.create(
        public_id=secrets.token_hex(8),
        partner=partner,
        contract=contract,
        customer=customer,
        region=region,
        number=_new_number(),
        remote_uid=remote_names.new_uid(),
        name=name,
        name_key=names.key(name),
        contact_name=names.without_link(names.tidy(wish.contact_name, "contact_name"), "contact_name"),
        contact_email=wish.contact_email.strip(),
        billing=wish.billing,
        allow_overdraft=wish.allow_overdraft and fixed,
        allocated_bytes=wish.allocated_bytes if fixed else 0,
        created_at=act.at,
        next_attempt_at=act.at,
        deadline_at=act.at + APPLY_WITHIN,
    )


def _record(act: Act, account: SubAccount, wish: SubAccountWish, version: TermsVersion) -> None:
    AccessKey.create(sub_account=account, created_at=act.at, created_by=f"{act.kind}:{act.actor_id}")
    kept = {name: value for name, value in vars(wish).items() if name not in ("flow_down_document", "locale")}
    after = {**kept, "number": account.number, "name": account.name, "flow_down_version": version.label}
    record(act, "sub_account.created", account, partner=account.partner_id, after=after)


def _agree(act: Act, settings: Settings, account: SubAccount, wish: SubAccountWish, version: TermsVersion) -> None:
    if wish.attestation is not None:
        flow_down_attesting.record_attested(act, account, version, wish.attestation)
        return
    locale = wish.locale if wish.locale in settings.locales else settings.locales[0]
    flow_down_limits.refuse_full(act, account.partner_id, account.contact_email)
    flow_down_links.write_mail(act, settings, flow_down_links.open_link(act, account, locale))


def _content(wish: SubAccountWish) -> str:
    """What tells two forms apart, for one-time keys; the file by its digest."""
    return f"{replace(wish, flow_down_document=None)!r} {flow_down_attesting.content_of(wish.attestation)}"


def _customer(act: Act, partner: Partner, text: str) -> Customer:
    name = names.without_link(names.tidy(text, "customer"), "customer")
    found = Customer.get_or_none(Customer.partner == partner, Customer.name_key == names.key(name))
    return found or Customer.create(partner=partner, name=name, name_key=names.key(name), created_at=act.at)


def _refuse_taken(partner_id: int, name: str, itself: SubAccount | None = None) -> None:
    same = SubAccount.select(SubAccount.number).where(
        SubAccount.partner == partner_id, SubAccount.name_key == names.key(name), SubAccount.wanted_state != "deleted"
    )
    taken = (same.where(SubAccount.id != itself.id) if itself else same).first()
    if taken is not None:
        raise SubAccountRefused(
            N_('Your sub-account %(number)s is already called "%(name)s". Enter another name for this one.'),
            "name",
            number=taken.number,
            name=name,
        )


def _new_number() -> str:
    """Twelve random digits that no sub-account has; never one that begins with 0, which spreadsheets would drop."""
    while True:
        number = str(secrets.randbelow(9 * 10**11) + 10**11)
        if not SubAccount.select().where(SubAccount.number == number).exists():
            return number
