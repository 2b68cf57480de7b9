"""A partner's member who does one thing after the other, remembers what was answered, and asks again when nothing was.

What was answered stands in a file at once, so that it is known after a kill: each line is an acknowledged request, the
answer to it, and the rows of the trail that it has to have left behind.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from models.audit import AuditEvent
from models.contract import Contract
from models.sub_account import AccessKey, SubAccount
from services import access_keys, allocation, hand_over, key_rotation, sub_account_life, sub_accounts
from services.allocation import Change
from services.audit import Act
from services.secret import Secret
from services.settings import Settings
from tests.cast import Cast, act_of

GB, TB = 10**9, 10**12
SESSION = hashlib.sha256(b"the browser of alice").hexdigest()


@dataclass(frozen=True)
class Answer:
    """`value` is what the browser was told, `trail` the actions and things that the trail must name because of it."""

    value: Any
    trail: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One form that is sent. `again` says that a repeat has to get the same answer (one-time key)."""

    name: str
    send: Callable[["Client"], Answer]
    again: bool = False
    then: str = "follow"  # before the next request: the worker comes to its end, makes one "step", "time" goes by


class Client:
    def __init__(self, cast: Cast, settings: Settings, clock: Any, path: Path, open_gateway: Callable):
        self.cast, self.settings, self.clock, self.open_gateway, self._path = cast, settings, clock, open_gateway, path
        self.answers: dict[str, Answer] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                told = json.loads(line)
                self.answers[told["name"]] = Answer(told["value"], tuple(map(tuple, told["trail"])))

    def __getitem__(self, name: str) -> Any:
        """What was answered to the request of this name."""
        return self.answers[name].value

    def ask(self, request: Request) -> Answer:
        """Sends the request; its answer is on the file before anything else happens."""
        answer = request.send(self)
        line = json.dumps({"name": request.name, "value": answer.value, "trail": answer.trail})
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{line}\n".encode())
        os.close(file)
        self.answers[request.name] = answer
        return answer

    def lost(self) -> list[str]:
        """What was acknowledged and is not in the database."""
        wanted = Counter(pair for answer in self.answers.values() for pair in map(tuple, answer.trail))
        found = Counter(AuditEvent.select(AuditEvent.action, AuditEvent.thing_id).tuples())
        return [f"{action} of {thing} was acknowledged and is gone" for action, thing in (wanted - found)]

    @property
    def act(self) -> Act:
        return replace(act_of(self.cast.alice, self.clock.now()), session_hash=SESSION)

    @property
    def partner(self):
        return self.cast.northwind


def opened(name: str, amount_bytes: int) -> Request:
    def send(client: Client) -> Answer:
        wish = sub_accounts.SubAccountWish(
            contract_number=client.cast.contract.number, region=client.cast.region.name, customer=name, name=name,
            contact_name="Kim Kunde", contact_email="kim@customer.example.com", billing="reserved",
            allocated_bytes=amount_bytes, allow_overdraft=False, flow_down_reference="MSA-1",
            flow_down_agreed_on=date(2026, 2, 1),
        )  # fmt: skip
        row = sub_accounts.create(client.act, client.settings, client.partner, wish, f"once-open-{name}")
        return Answer(row.number, (("sub_account.created", row.number), ("allocation.opened", row.number)))

    return Request(f"open {name}", send, again=True)


def moved(label: str, *targets: tuple[str, int], then: str = "follow") -> Request:
    """`moved("raise", ("A", 6 * TB))`: these allocations in one act. As the page did, it names the version that was
    seen; a repeat names the same one."""

    def send(client: Client) -> Answer:
        seen = client.answers.get(f"look before {label}")
        if seen is None:
            look = Request("", lambda client: Answer(Contract.get_by_id(client.cast.contract.id).version, ()))
            seen = client.ask(replace(look, name=f"look before {label}"))
        numbers = {name: client[f"open {name}"] for name, _ in targets}
        changes = [Change(numbers[name], amount_bytes, True) for name, amount_bytes in targets]
        form = {"seen_version": seen.value, "once_key": f"once-{label}"}
        batch = allocation.rebalance(client.act, client.cast.contract, changes, **form)
        return Answer(batch, tuple(("allocation.changed", number) for number in numbers.values()))

    return Request(label, send, again=True, then=then)


def _key(client: Client, name: str, which: str) -> int:
    """`first`: the one made with the sub-account; otherwise the request that asked for it."""
    if which != "first":
        return client[which]
    account = SubAccount.get(SubAccount.number == client[f"open {name}"])
    return AccessKey.get(AccessKey.sub_account == account, AccessKey.origin == "initial").id


def shown(name: str, which: str) -> Request:
    def send(client: Client) -> Answer:
        key = _key(client, name, which)
        pair = access_keys.reveal(client.act, client.settings, key)
        return Answer([pair[0], pair[1].reveal()], (("access_key.revealed", str(key)),))

    return Request(f"show {which} of {name}", send, then="step")


def stored(name: str, which: str) -> Request:
    def send(client: Client) -> Answer:
        key = _key(client, name, which)
        access_keys.note_stored(client.act, key)
        return Answer(None, (("access_key.stored", str(key)),))

    return Request(f"store {which} of {name}", send, then="step")


def replaced(label: str, name: str, which: str, then: str = "follow") -> Request:
    def send(client: Client) -> Answer:
        number, key = client[f"open {name}"], _key(client, name, which)
        made = key_rotation.replace(client.act, client.partner, number, key, f"once-{label}")
        return Answer(made.id, (("access_key.asked", str(made.id)),))

    return Request(label, send, again=True, then=then)


def handed_over(label: str, name: str, which: str) -> Request:
    def send(client: Client) -> Answer:
        number, key = client[f"open {name}"], _key(client, name, which)
        token, _until_at = hand_over.create(client.act, client.settings, client.partner, number, key)
        link = hand_over.look(token, client.clock.now())
        return Answer(token, (("hand_over.created", str(link.id)),))

    return Request(label, send, then="step")


def taken_over(label: str, link: str) -> Request:
    """The customer opens the link. Who died after the commit and before the answer has used it up: it says so."""

    def send(client: Client) -> Answer:
        try:
            given = hand_over.use(Act(at=client.clock.now(), ip="192.0.2.9"), client.settings, client[link])
        except hand_over.HandOverClosed:
            return Answer(None, ())
        return Answer([given.access_key_id, given.secret.reveal()], ())

    return Request(label, send, then="step")


def switched(label: str, name: str, which: str, how: str, then: str = "follow") -> Request:
    """`how`: off, on or deleted."""

    def send(client: Client) -> Answer:
        number, key = client[f"open {name}"], _key(client, name, which)
        if how == "off":
            key_rotation.switch_off(client.act, client.settings, client.partner, number, key)
        elif how == "on":
            key_rotation.switch_on(client.act, client.partner, number, key)
        else:
            key_rotation.delete(client.act, client.partner, number, key)
        return Answer(None, ((f"access_key.{'deleted' if how == 'deleted' else 'switched_' + how}", str(key)),))

    return Request(label, send, then=then)


def filled(name: str, objects: int) -> Request:
    """The customer's own program, with the pair that was shown."""

    def send(client: Client) -> Answer:
        key_id, secret = client[f"show first of {name}"]
        storage = client.open_gateway()
        for n in range(objects):
            storage.store(key_id, Secret(secret), f"{client[f'open {name}']}-main", f"object-{n}", GB)
        return Answer(objects, ())

    return Request(f"fill {name}", send, then="step")


def lived(label: str, name: str, how: str, then: str = "follow") -> Request:
    """`how`: suspended, reactivated, deletion_asked or restored."""

    def send(client: Client) -> Answer:
        number, own = client[f"open {name}"], (client.act, client.partner)
        if how == "deletion_asked":
            sub_account_life.delete(client.act, client.settings, client.partner, number, number)
        else:
            acts = {"suspended": "suspend", "reactivated": "resume", "restored": "restore"}
            getattr(sub_account_life, acts[how])(*own, number)
        return Answer(None, ((f"sub_account.{how}", number),))

    return Request(label, send, then=then)
