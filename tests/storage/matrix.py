"""The table of what was seen: operation by backend, and of each of them repetition, conflict, absence, lost answer."""

from datetime import UTC, datetime

import pytest

from services.storage.contract import Storage
from tests.storage.customers import show

HOUR = (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC))
OPERATIONS = (*Storage.OPERATIONS, *Storage.OPTIONAL)
SIGNS = {"repeated": "R", "conflict": "C", "absent": "A", "lost": "L"}
NAMES = {"memory-delayed": "memory", "memory-makes-keys": "memory", "memory-service": "memory"}

BY_CAPABILITY = {
    "put_key": lambda can: can.key_import,
    "new_key": lambda can: not can.key_import,
    "put_key_active": lambda can: can.key_inactive,
    **{
        operation: lambda can, name=capability: getattr(can, name) for operation, capability in Storage.OPTIONAL.items()
    },
}  # fmt: skip

_seen: dict[tuple[str, str], set[str]] = {}


def can(storage: Storage, operation: str) -> bool:
    return BY_CAPABILITY.get(operation, lambda _can: True)(storage.capabilities)


def note(request: pytest.FixtureRequest, operation: str, sign: str) -> None:
    """Call at the end of a test of one backend, whose fixture is `storage` or `lossy`."""
    chosen = request.node.callspec.params
    backend = chosen.get("storage") or chosen["lossy"]
    _seen.setdefault((operation, NAMES.get(backend, backend)), set()).add(SIGNS.get(sign, sign))


def print_table(config: pytest.Config) -> None:
    names = sorted({backend for _operation, backend in _seen})
    if not names:
        return
    show(
        config, "R repeated, C conflict, A absent, L answer lost after the effect; refused: not among its capabilities"
    )
    show(config, f"{'operation':<16}" + "".join(f"{name:<16}" for name in names))
    for operation in OPERATIONS:
        cells = [_seen.get((operation, name), set()) for name in names]
        texts = [" ".join(sign for sign in (*SIGNS.values(), "refused") if sign in cell) for cell in cells]
        show(config, f"{operation:<16}" + "".join(f"{text:<16}" for text in texts))
