"""Lines of the trail as operators read them."""

from blueprints.formats import bytes_text
from models.audit import AuditEvent


def changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    """What an event changed: name of the value, before, after. Values within values are named with a point."""
    before, after = _flat(event.before or {}), _flat(event.after or {})
    return [(name, before.get(name, ""), after.get(name, "")) for name in dict.fromkeys([*before, *after])]


def _flat(values: dict, within: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{within}{name}.")
        else:
            flat[within + name] = _text(name, value)
    return flat


def _text(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if name.endswith("_bytes") and isinstance(value, int):
        return bytes_text(value)
    return "" if value is None else str(value)
