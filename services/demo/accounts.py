"""The sample customers: their sub-accounts, and what they have stored."""

import secrets
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from models.base import write_tx
from models.contract import Contract
from models.outbox import Mail
from models.partner import Member
from models.sub_account import AccessKey, Customer, SubAccount
from services import access_keys, flow_down, flow_down_answers, key_rotation, names, sub_accounts
from services.audit import Act
from services.clock import Clock, local_day
from services.demo.people import as_person
from services.flow_down_answers import Answer
from services.region_list import regions_offered
from services.secret import Vault
from services.settings import Settings
from services.storage import samples
from services.sub_accounts import SubAccountWish

TB, GB, MB = 10**12, 10**9, 10**6
WAIT_SECONDS = 60
SESSION = "sample"  # of no log-in: what was shown to it is shown to nobody again


@dataclass(frozen=True)
class Sample:
    """One customer. `stored_bytes` are really stored; None: its first key waits to be shown. `rotates`: its first key
    is being replaced; the customer has the new one, and the old one can be switched off. `terms`: the partner confirms
    that the customer agreed (attested), or the customer was sent a link (sent) and has used it (accepted)."""

    customer: str
    contact: str
    email: str
    allocated_bytes: int
    allow_overdraft: bool
    stored_bytes: int | None
    rotates: bool = False
    terms: str = "attested"


CUSTOMERS = (
    Sample("Bäckerei Sonnenschein GmbH", "Petra Sonne", "it@sonnenschein.example.com", 2 * TB, False, 12 * MB),
    Sample(
        "Müller & Söhne Maschinenbau KG", "Jens Müller", "edv@mueller-soehne.example.com", 3 * TB, True, 40 * MB, True
    ),
    Sample("Praxis Dr. Weber", "Anna Weber", "praxis@dr-weber.example.com", 1 * GB, False, 260 * MB, terms="accepted"),
    Sample(
        "Architekturbüro Lindqvist", "Lars Lindqvist", "post@lindqvist.example.com", 750 * GB, False, None, terms="sent"
    ),
)


def sub_account(settings: Settings, clock: Clock, mara: Member, contract: Contract, sample: Sample) -> SubAccount:
    """The customer's sub-account: the one that there is, or a new one."""
    own = (SubAccount.contract == contract) & (Customer.name_key == names.key(sample.customer))
    known = SubAccount.select(SubAccount).join(Customer).where(own).order_by(SubAccount.id).first()
    if known is not None:
        return known
    wish = SubAccountWish(
        contract_number=contract.number,
        region=regions_offered(closed=False)[0].name,
        customer=sample.customer,
        name="",
        contact_name=sample.contact,
        contact_email=sample.email,
        billing="reserved",
        allocated_bytes=sample.allocated_bytes,
        allow_overdraft=sample.allow_overdraft,
        flow_down_reference="MSA-2026",
        flow_down_agreed_on=local_day(clock.now(), settings.provider.time_zone) - timedelta(days=14),
        flow_down_way="attested" if sample.terms == "attested" else "link",
        locale="de",
    )
    act = as_person(mara, clock)
    with write_tx():
        account = sub_accounts.create(act, settings, mara.partner, wish, secrets.token_urlsafe(16))
        if sample.terms == "accepted":
            _agree(settings, act, sample)
    return account


def _agree(settings: Settings, act: Act, sample: Sample) -> None:
    """As the customer does: by the link in the mail, which is there until the mail is sent."""
    sent = (Mail.template == "flow_down_link") & (Mail.recipient == sample.email)
    mail = Mail.select().where(sent).order_by(Mail.id.desc()).get()
    token = mail.text.partition("/agree/")[2].split()[0]
    version = flow_down.in_force(act.at, "de")
    shown = {"made_by": "sample data"}
    answer = Answer(version.id, version.sha256, sample.customer, sample.contact, shown)
    flow_down_answers.accept(Act(at=act.at, actor_name=sample.contact, source="cli"), settings, token, answer)


def store_all(settings: Settings, clock: Clock, accounts: list[SubAccount]) -> bool:
    """Waits until the worker has set the accounts up and stores what they have. False when one takes too long."""
    all_ready = True
    for account, sample in zip(accounts, CUSTOMERS, strict=True):
        ready = _await_ready(account.id)
        all_ready = all_ready and ready is not None
        if ready is not None and sample.stored_bytes is not None:
            _store(settings, clock, ready, sample.stored_bytes)
        if ready is not None and sample.rotates:
            all_ready = _rotate(settings, clock, ready) and all_ready
    return all_ready


def _await_ready(account_id: int) -> SubAccount | None:
    for _ in range(WAIT_SECONDS * 5):
        account = SubAccount.get_by_id(account_id)
        if account.phase == "ready":
            return account
        time.sleep(0.2)
    return None


def _store(settings: Settings, clock: Clock, account: SubAccount, stored_bytes: int) -> None:
    """Uses the first key as the customer would, so that there is use to be measured. Stores first and says so after:
    interrupted, the same objects are put again, with the provider's copy of the key, which is not shown twice."""
    key = AccessKey.select().where(AccessKey.sub_account == account).order_by(AccessKey.id).get()
    if key.stored_at is not None:
        return
    secret = Vault(settings.data_keys).open(str(key.retained_ct or key.secret_ct))
    region = account.region
    samples.store(region.endpoint, region.s3_region, account.main_bucket, str(key.access_key_id), secret, stored_bytes)
    act = as_person(Member.select().where(Member.partner == account.partner_id).order_by(Member.id).get(), clock)
    if key.revealed_at is None:
        access_keys.reveal(act, settings, key.id)
    access_keys.note_stored(act, key.id)


def _rotate(settings: Settings, clock: Clock, account: SubAccount) -> bool:
    """Replaces the first key up to where the customer has the new one. False when the worker takes too long."""
    act = as_person(Member.select().where(Member.partner == account.partner_id).order_by(Member.id).get(), clock)
    act = replace(act, session_hash=SESSION)
    first, *others = AccessKey.select().where(AccessKey.sub_account == account).order_by(AccessKey.id)
    if others and others[0].stored_at is not None:
        return True
    key = others[0] if others else key_rotation.replace(
        act, account.partner, account.number, first.id, secrets.token_urlsafe(16)
    )  # fmt: skip
    for _ in range(WAIT_SECONDS * 5):
        made = AccessKey.get_by_id(key.id)
        if access_keys.may_show(act, made):
            access_keys.reveal(act, settings, made.id)
            access_keys.note_stored(act, made.id)
        if made.phase == "live":  # interrupted for long, its secret may be gone: that can be looked at too
            return True
        time.sleep(0.2)
    return False
