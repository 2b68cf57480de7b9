"""Lines of the trail as operators read them."""

from flask_babel import gettext as _

from blueprints.formats import bytes_text
from models.audit import AuditEvent
from services.verification import DETAILS


def changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    """What an event changed: name of the value, before, after. Values within values stand among the others."""
    before, after = _flat(event.before or {}), _flat(event.after or {})
    names = dict.fromkeys([*before, *after])
    return [(_name(name), before.get(name, ""), after.get(name, "")) for name in names]


def _flat(values: dict) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        flat |= _flat(value) if isinstance(value, dict) else {name: _text(name, value)}
    return flat


def _name(name: str) -> str:
    known = {
        "allocated_bytes": _("Allocated"),
        "details": _("Details"),
        "ends_on": _("Last day"),
        "phase": _("Phase"),
        "reserved_bytes": _("Capacity"),
        "starts_on": _("First day"),
        "state": _("State"),
    }
    return _(DETAILS[name]) if name in DETAILS else known.get(name, name)


def _text(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if name.endswith("_bytes") and isinstance(value, int):
        return bytes_text(value)
    return "" if value is None else str(value)
