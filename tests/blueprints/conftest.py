"""Fixtures that pages' tests share."""

from datetime import date

import pytest

from models.sub_account import SubAccount
from services import sub_accounts
from services.sub_accounts import SubAccountWish


@pytest.fixture
def opened(cast, acting, settings, clock):
    """`opened("Adler AG", 5 * TB)` -> a sub-account of Northwind that the storage service holds already."""

    def make(name: str, allocated_bytes: int, used_bytes: int = 0, who=None, contract="RCP-1001", **more) -> SubAccount:
        who = who or cast.alice
        wish = SubAccountWish(
            contract_number=contract,
            region=cast.region.name,
            customer=name,
            name="",
            contact_name="Someone",
            contact_email="someone@customer.example.com",
            billing="reserved",
            allocated_bytes=allocated_bytes,
            allow_overdraft=more.pop("allow_overdraft", False),
            flow_down_reference="MSA-1",
            flow_down_agreed_on=date(2026, 1, 15),
        )
        account = sub_accounts.create(acting(who), settings, who.partner, wish, f"once-{name}")
        values = {"phase": "ready", "observed_generation": 1, "observed_state": "active", "used_bytes": used_bytes}
        values |= {"in_force_bytes": allocated_bytes, "measured_at": clock.now(), **more}
        SubAccount.update(**values).where(SubAccount.id == account.id).execute()
        return SubAccount.get_by_id(account.id)

    return make
