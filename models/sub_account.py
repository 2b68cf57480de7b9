"""Customers, their sub-accounts on the storage service, and the keys to them."""

from datetime import UTC, datetime

from peewee import AutoField, BigIntegerField, BooleanField, ForeignKeyField, IntegerField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.contract import Contract
from models.partner import Partner

BILLING = ("reserved", "pay_per_use")
WANTED_STATES = ("active", "suspended", "deleted")
PHASES = (
    "pending",
    "provisioning",
    "ready",
    "updating",
    "waiting_capacity",
    "suspending",
    "suspended",
    "deleting",
    "deleted",
    "attention",
)
SETTLED_PHASES = ("ready", "suspended", "deleted")
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


class Region(Table):
    """One storage service, as its worker last described it. The web process reads this row and never the service.

    `display_name`, `place`, `closed` (no new sub-accounts) and `removed_at` follow what the worker was given (docs/
    storage.md); `capabilities` is what the service can do, by the names of `services.storage.contract`. `tended_at`:
    when a worker last looked after it, whether the service answered or not. `told_at`: the last mail to operators.
    """

    id = AutoField()
    name = TextField(unique=True)
    endpoint = TextField(default="")
    s3_region = TextField(default="")
    hard_quota = TextField(default="none")
    quota_delay_seconds = IntegerField(null=True)
    last_ok_at = UtcDateTimeField(null=True)
    failing_since_at = UtcDateTimeField(null=True)
    enforced_at = UtcDateTimeField(null=True)
    failures = IntegerField(default=0)
    retry_at = UtcDateTimeField(null=True)
    last_error = TextField(default="")
    scan_next_at = UtcDateTimeField(null=True)
    scanned_at = UtcDateTimeField(null=True)
    scan_error = TextField(default="")
    keys_return = BooleanField(default=True)
    tells_last_use = BooleanField(default=False)
    traffic_until_at = UtcDateTimeField(null=True)  # before this hour it is known; None: nothing was told yet
    display_name = TextField(default="")
    place = TextField(default="")
    iam_url = TextField(default="")
    sts_url = TextField(default="")
    capabilities = JsonField(default=dict)
    closed = BooleanField(default=False)
    removed_at = UtcDateTimeField(null=True)
    tended_at = UtcDateTimeField(null=True)
    told_at = UtcDateTimeField(null=True)

    @property
    def title(self) -> str:
        """What people read."""
        return self.display_name or self.name


class Customer(Table):
    id = AutoField()
    partner = ForeignKeyField(Partner, backref="customers")
    partner_id: int
    name = TextField()
    name_key = TextField()
    created_at = UtcDateTimeField()


class SubAccount(Table):
    """A storage account of one customer: what is wanted (ours), what was observed (the service's), and how far apart.

    `observed_quota_bytes` is never below the quota that the service may hold: a raise is noted before the call, a
    decrease after it. `in_force_bytes` is the allocation that the service has confirmed. `suspended_at` and
    `suspended_by` (a name) are those of a pause, `held_at` that of a suspension of its partner. With `delete_after_at`
    it is suspended until it is deleted, and can be restored; `wanted_state` is "deleted" from when that begins.
    `barred_at`: since then it is suspended because its contract is over, whatever the partner wants; `read_only`: its
    data can be fetched nevertheless.
    """

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="sub_accounts")
    partner_id: int
    contract = ForeignKeyField(Contract, backref="sub_accounts")
    contract_id: int
    customer = ForeignKeyField(Customer, backref="sub_accounts")
    customer_id: int
    region = ForeignKeyField(Region, backref="sub_accounts")
    region_id: int
    number = TextField(unique=True)
    remote_uid = TextField(unique=True)
    name = TextField()
    name_key = TextField()
    contact_name = TextField()
    contact_email = TextField()
    billing = TextField(default="reserved")
    allow_overdraft = BooleanField(default=False)
    allocated_bytes = BigIntegerField(default=0)
    wanted_state = TextField(default="active")
    suspended_at = UtcDateTimeField(null=True)
    suspended_by = TextField(default="")
    held_at = UtcDateTimeField(null=True)
    barred_at = UtcDateTimeField(null=True)
    read_only = BooleanField(default=False)
    delete_after_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()

    generation = IntegerField(default=1)
    observed_generation = IntegerField(default=0)
    observed_state = TextField(default="")
    observed_quota_bytes = BigIntegerField(null=True)
    in_force_bytes = BigIntegerField(null=True)
    observed_at = UtcDateTimeField(null=True)

    used_bytes = BigIntegerField(default=0)
    object_count = BigIntegerField(default=0)
    measured_at = UtcDateTimeField(null=True)
    measure_next_at = UtcDateTimeField(default=AT_ONCE)
    writable = BooleanField(default=True)
    enforced_at = UtcDateTimeField(null=True)
    enforce_next_at = UtcDateTimeField(null=True)

    phase = TextField(default="pending")
    reason_code = TextField(default="")
    attempts = IntegerField(default=0)
    next_attempt_at = UtcDateTimeField()
    lease_owner = TextField(default="")
    lease_until_at = UtcDateTimeField(null=True)
    deadline_at = UtcDateTimeField(null=True)
    paused_at = UtcDateTimeField(null=True)
    told_at = UtcDateTimeField(null=True)
    last_error = TextField(default="")

    @property
    def settled(self) -> bool:
        """The storage service has followed the last change."""
        return self.phase in SETTLED_PHASES and self.observed_generation == self.generation

    @property
    def hard_quota_bytes(self) -> int | None:
        """The quota that the service shall hold; None where more may be used and is billed (capacity rule 5). After the
        end of the contract 0, under which data can be read and deleted, and nothing is taken in."""
        if self.read_only:
            return 0
        return None if self.allow_overdraft or self.billing == "pay_per_use" else self.allocated_bytes

    @property
    def excess_bytes(self) -> int:
        return max(0, self.used_bytes - self.allocated_bytes) if self.billing == "reserved" else 0

    @property
    def main_bucket(self) -> str:
        return f"{self.number}-main"


class AccessKey(Table):
    """A pair on the storage service, and what is kept of its secret, always sealed:

    `retained_ct` is the provider's copy of the initial one (T13); `secret_ct` that of a later one, until it was stored
    or `reveal_until_at` has passed; `parked_ct` that of a key which was switched off on a service that can only delete
    it, until it is switched on again or deleted.
    """

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="access_keys")
    sub_account_id: int
    access_key_id = TextField(null=True, unique=True)
    origin = TextField(default="initial")
    wanted = TextField(default="active")
    phase = TextField(default="pending")
    secret_ct = TextField(null=True)
    retained_ct = TextField(null=True)
    parked_ct = TextField(null=True)
    asked_session_hash = TextField(default="")
    reveal_until_at = UtcDateTimeField(null=True)
    revealed_at = UtcDateTimeField(null=True)
    revealed_by = TextField(default="")
    reveal_session_hash = TextField(default="")
    stored_at = UtcDateTimeField(null=True)
    created_at = UtcDateTimeField()
    created_by = TextField()
    inactive_at = UtcDateTimeField(null=True)
    delete_after_at = UtcDateTimeField(null=True)
    last_used_at = UtcDateTimeField(null=True)
    last_used_source = TextField(default="")
    link_until_at = None  # filled by questions that ask for it


class HandOver(Table):
    """A link that shows a new key's secret once to whoever opens it. `sealed` can be opened with the link's token alone
    (beside the data key), and is gone once the link was used, withdrawn, or its time is up."""

    id = AutoField()
    access_key = ForeignKeyField(AccessKey, backref="hand_overs")
    access_key_id: int
    token_hash = TextField(unique=True)
    sealed = TextField(null=True)
    created_at = UtcDateTimeField()
    created_by = TextField()
    expires_at = UtcDateTimeField()
    used_at = UtcDateTimeField(null=True)
    withdrawn_at = UtcDateTimeField(null=True)
