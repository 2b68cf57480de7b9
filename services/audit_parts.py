"""The parts of a row of the trail that tell of persons: how they are digested and kept.

Columns of one part go together. Each part has a salt of its own, so that it can be erased alone: with its salt goes
the only way to tell a guessed value from its digest, and the chain over the digests still holds.
"""

import ipaddress
import json
import secrets
from typing import Any, Protocol

from peewee import Value

from services.evidence_check import canonical, personal_digest

PARTS = {
    "name": ("actor_name",),
    "ip": ("ip",),
    "place": ("network", "request_id"),
    "values": ("before", "after"),
}
JSON = PARTS["values"]


class _Actor(Protocol):
    @property
    def actor_name(self) -> str: ...
    @property
    def ip(self) -> str: ...
    @property
    def request_id(self) -> str: ...


def of(act: _Actor, before: dict | None, after: dict | None) -> dict[str, str | None]:
    """The personal values of a row, JSON as the text that is stored."""
    return {
        "actor_name": act.actor_name,
        "ip": act.ip,
        "network": network(act.ip),
        "request_id": act.request_id,
        "before": text_of(before),
        "after": text_of(after),
    }


def text_of(values: dict | None) -> str | None:
    """As a JSON column writes it."""
    return None if values is None else json.dumps(values, ensure_ascii=False, sort_keys=True, default=str)


def digested(personal: dict[str, str | None]) -> tuple[dict[str, str], str]:
    """A fresh salt for each part that is not empty, and the digests of these parts as the row keeps them."""
    salts = {part: secrets.token_hex(16) if is_filled(part, personal) else "" for part in PARTS}
    digests = {part: digest(part, salt, personal) for part, salt in salts.items() if salt}
    return {f"{part}_salt": salt for part, salt in salts.items()}, canonical(digests)


def digest(part: str, salt: str, personal: dict[str, str | None]) -> str:
    return personal_digest(salt, {name: personal[name] for name in PARTS[part]})


def is_filled(part: str, personal: dict[str, str | None]) -> bool:
    return any(personal[name] for name in PARTS[part])


def as_stored(personal: dict[str, str | None]) -> dict[str, Any]:
    """For an INSERT: the texts of JSON columns as they are, not written as JSON again."""
    return {name: Value(value, converter=False) if name in JSON else value for name, value in personal.items()}


def network(ip: str) -> str:
    """The network of an address: 24 bits of IPv4, 48 of IPv6. What is no address is emptied."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{ip.partition('%')[0]}/{bits}", strict=False))
