"""Mass assignment (threats.md 16): every form that any page offers is sent once as it is and once with fields that it
does not have. The second time stores exactly what the first time did."""

import pytest
from werkzeug.datastructures import MultiDict

from tests.security import filling
from tests.security.walking import Snapshot, World, contents, signed_in

EXTRA = {
    "status": "active", "state": "active", "role": "admin", "right": "owner", "capacity_bytes": "9000000000000000",
    "reserved_bytes": "9000000000000000", "allocated_bytes": "9000000000000000", "partner_id": "2", "partner": "2",
    "is_staff": "1", "is_admin": "1", "verified_at": "2026-01-01T00:00:00Z", "email_confirmed_at": "2026-01-01",
    "declared_authority": "1", "price_cents": "0", "active": "1", "second_factor_at": "2026-01-01",
    "password_hash": "x", "kind": "distributor", "phase": "ready", "decided_at": "2026-01-01", "operator": "1",
    "member_id": "1", "contract_id": "2", "id": "1", "public_id": "mine", "access_until_on": "2099-01-01",
}  # fmt: skip
SENDERS = ("nobody", "staff", "admin", "owner", "customer")


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def stored(app, world, form, before: Snapshot, extra: dict[str, str]) -> tuple[int, dict]:
    before.restore()
    browser = signed_in(app, world, form.role)
    browser.get(form.page, check=False)
    answer = browser.post(form.action, data=MultiDict({**extra, **form.filled()}), check=False)
    return answer.status_code, contents()


def by_chance(first: dict, second: dict) -> set[tuple[str, str]]:
    """The columns that differ although the same was sent: tokens, and the digests over them."""
    return {
        (table, name)
        for table in first
        for one, other in zip(first[table], second.get(table, []), strict=False)
        for name in one
        if one[name] != other.get(name)
    }


def without(found: dict, columns: set[tuple[str, str]]) -> dict[str, list]:
    return {
        table: sorted(repr({name: value for name, value in row.items() if (table, name) not in columns}) for row in rows)
        for table, rows in found.items()
    }


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", SENDERS)
def test_fields_that_a_form_does_not_have_change_nothing(app, world, role):
    before, taken, storing = Snapshot(), [], 0
    empty = contents()
    for form in filling.forms_of(app, world, role):
        own = {control.name for control in form.controls}
        extra = {name: value for name, value in EXTRA.items() if name not in own}
        status, once = stored(app, world, form, before, {})
        _status, twice = stored(app, world, form, before, {})
        more_status, more = stored(app, world, form, before, extra)
        chance = by_chance(once, twice)
        storing += without(once, chance) != without(empty, chance)
        if status != more_status or without(once, chance) != without(more, chance):
            taken.append(f"{form}: {status} and {more_status}")
    before.restore()
    assert taken == []
    assert storing >= (1 if role == "customer" else 3)
