"""Saving allocation changes: time on the clock against the bare durable transaction and the empty view."""

import itertools
import secrets

from bench.ground import Ground, queries, wall_ms
from models.base import database, write_tx
from models.contract import Contract
from models.sub_account import SubAccount
from tests import accounts

GB = 10**9


def measure(ground: Ground) -> list[dict]:
    many = [
        accounts.opened(ground.cast, ground.settings, ground.at, f"Saved {n}", allocated_bytes=GB) for n in range(50)
    ]
    client = ground.client_as(ground.cast.alice)
    amounts = itertools.cycle((2, 3))
    versions = itertools.count(Contract.select(Contract.version).where(Contract.number == "RCP-1001").scalar())
    token = {"X-CSRFToken": client.csrf_token()}
    cookie = client.get_cookie("portal", domain="127.0.0.1").value

    def save(changed: list[SubAccount]) -> None:
        client.set_cookie("portal", cookie, domain="127.0.0.1")  # as if the page had been shown that says "Saved"
        amount, form = next(amounts), {"do": "save", "version": next(versions), "once": secrets.token_urlsafe(16)}
        for account in changed:
            form |= {f"a-{account.number}": amount, f"u-{account.number}": "GB", f"s-{account.number}": 0}
        response = client.post("/allocations/RCP-1001", data=form, check=False, csrf=False, headers=token)
        assert response.status_code == 303, f"saving answered {response.status_code}"

    bare_ms, empty_ms = wall_ms(bare_transaction), wall_ms(lambda: client.get("/health", check=False))
    rows = [
        {"what": "bare durable transaction", "ms": bare_ms, "ratio": bare_ms / (bare_ms + empty_ms), "queries": 1},
        {"what": "empty view", "ms": empty_ms, "ratio": empty_ms / (bare_ms + empty_ms), "queries": 1},
    ]
    for name, changed in (("save of one change", many[:1]), ("save of 50 changes", many)):
        ms = wall_ms(lambda changed=changed: save(changed), times=10)
        count = queries(lambda changed=changed: save(changed))
        rows.append({"what": name, "ms": ms, "ratio": ms / (bare_ms + empty_ms), "queries": count})
    return rows


def bare_transaction() -> None:
    """One row changed and committed: what any durable write costs here."""
    with database.connection_context(), write_tx():
        Contract.update(version=Contract.version).where(Contract.number == "RCP-2001").execute()
