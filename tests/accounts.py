"""Sub-accounts in any state, for tests: opened as a page opens them, then brought to where the worker brings them."""

from datetime import date, datetime
from decimal import Decimal

from models.base import write_tx
from models.contract import Contract
from models.sub_account import AccessKey, Customer, SubAccount
from services import names, sub_accounts
from services.secret import Secret, Vault
from services.settings import Settings
from services.sub_accounts import SubAccountWish
from tests.cast import Cast, act_of

TB = 10**12
SECRET = "CANARY-secret-that-is-shown-once"


def opened(
    cast: Cast, settings: Settings, at: datetime, name: str = "Müller GmbH", *, who=None, key: str = "live", **row
) -> SubAccount:
    """A sub-account of `who`'s partner, settled unless `row` says otherwise; `key` is the first key's phase."""
    who = who or cast.alice
    number = "RCP-1001" if who.partner == cast.northwind else "RCP-2001"
    wish = SubAccountWish(
        number, cast.region.name, row.pop("customer", name), name, "Marta Muster", "marta@example.com",
        row.pop("billing", "reserved"), row.pop("allocated_bytes", TB), row.pop("allow_overdraft", False),
        "MSA-77", date(2026, 2, 1),
    )  # fmt: skip
    account = sub_accounts.create(act_of(who, at), settings, who.partner, wish, f"once-{name}")
    settled = {"phase": "ready", "observed_generation": 1, "observed_state": "active", "in_force_bytes": TB}
    with write_tx():
        SubAccount.update(**(settled | row)).where(SubAccount.id == account.id).execute()
        if key != "pending":
            sealed = Vault(settings.data_keys).seal(Secret(SECRET))
            of_it = AccessKey.sub_account == account
            AccessKey.update(phase=key, access_key_id=f"PP{account.number}", retained_ct=sealed).where(of_it).execute()
    return SubAccount.get_by_id(account.id)


def many(
    cast: Cast, at: datetime, how_many: int, name: str = "Customer {n:04d}", each=lambda n: {}, **row
) -> list[str]:
    """Rows in bulk, without ledger and keys: for lists. Returns the numbers in the order made. `each(n)` gives values
    of the one row."""
    customer, _made = Customer.get_or_create(
        partner=cast.northwind, name_key="bulk", defaults={"name": "Bulk", "created_at": at}
    )
    fixed = {
        "partner": cast.northwind, "contract": cast.contract, "customer": customer, "region": cast.region,
        "contact_name": "Marta", "created_at": at, "next_attempt_at": at,
        "phase": "ready", "observed_generation": 1, "allocated_bytes": TB, "measured_at": at, "in_force_bytes": TB,
    }  # fmt: skip
    start = SubAccount.select().count()
    rows = []
    for n in range(start, start + how_many):
        text = name.format(n=n)
        own = {"public_id": f"bulk-{n}", "number": f"{5 * 10**11 + n}", "remote_uid": f"pp-bulk-{n}"}
        own["contact_email"] = f"marta{n}@example.com"
        rows.append(fixed | own | {"name": text, "name_key": names.key(text), "used_bytes": n * 10**9} | row | each(n))
    with write_tx():
        for first in range(0, len(rows), 500):
            SubAccount.insert_many(_complete(rows[first : first + 500])).execute()
    return [row["number"] for row in rows]


def _complete(rows: list[dict]) -> list[dict]:
    defaults = {field.name: field.default for field in SubAccount._meta.sorted_fields if field.default is not None}
    return [defaults | row for row in rows]


def another_contract(cast: Cast, at: datetime) -> Contract:
    """A second active contract of Northwind: the end of the first leaves the partner in the portal."""
    return Contract.create(
        public_id="another",
        partner=cast.northwind,
        number="RCP-1999",
        reserved_bytes=TB,
        price_cents=Decimal("0.5"),
        excess_price_cents=Decimal("0.8"),
        egress_price_cents=Decimal(0),
        starts_on=at.date(),
        created_at=at,
    )
