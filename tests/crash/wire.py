"""How the contract's values and errors travel as JSON between the storage service of these tests and its callers."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any

from services.secret import Secret
from services.storage import contract
from services.storage.memory import CustomerRefused
from services.storage.memory_state import Account, Key

KIND = "$"
VALUES = {
    kind.__name__: kind
    for kind in (
        Account, Key, contract.BucketUse, contract.Capabilities, contract.Enforcement, contract.KeyPair,
        contract.Measured, contract.Purged, contract.RemoteAccount, contract.RemoteKey, contract.Traffic,
    )
}  # fmt: skip
ERRORS = {
    kind.__name__: kind
    for kind in (
        contract.StorageAbsent, contract.StorageConflict, contract.StorageRefused, contract.StorageUnavailable,
        CustomerRefused, ValueError,
    )
}  # fmt: skip


def packed(value: Any) -> bytes:
    return json.dumps(_plain(value)).encode()


def unpacked(text: bytes) -> Any:
    return _value(json.loads(text))


def packed_error(error: Exception) -> bytes:
    return json.dumps({"error": type(error).__name__, "text": str(error)}).encode()


def error(text: bytes) -> Exception:
    told = json.loads(text)
    return ERRORS.get(told["error"], RuntimeError)(told["text"])


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {KIND: "Secret", "text": value.reveal()}
    if isinstance(value, datetime):
        return {KIND: "datetime", "text": value.isoformat()}
    if isinstance(value, tuple | list):
        return {KIND: type(value).__name__, "items": [_plain(item) for item in value]}
    if isinstance(value, dict):
        return {KIND: "dict", "items": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if type(value).__name__ in VALUES:
        return {KIND: type(value).__name__, **{one.name: _plain(getattr(value, one.name)) for one in fields(value)}}
    return value


def _value(plain: Any) -> Any:
    if not isinstance(plain, dict):
        return plain
    kind = plain.pop(KIND)
    if kind == "Secret":
        return Secret(plain["text"])
    if kind == "datetime":
        return datetime.fromisoformat(plain["text"])
    if kind == "dict":
        return {_value(key): _value(item) for key, item in plain["items"]}
    if kind in ("tuple", "list"):
        items = [_value(item) for item in plain["items"]]
        return tuple(items) if kind == "tuple" else items
    return VALUES[kind](**{name: _value(item) for name, item in plain.items()})
