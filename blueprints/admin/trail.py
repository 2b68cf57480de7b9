"""Lines of the trail as operators read them."""

from flask import current_app
from flask_babel import gettext as _

from blueprints.admin import bp, trail_words
from blueprints.admin.policy_words import RULES
from blueprints.formats import bytes_text
from models.audit import AuditEvent
from services.verification import DETAILS


@bp.app_template_global("changes")
def changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    """What an event changed: name of the value, before, after. Values within values stand among the others."""
    before, after = (_flat(values or {}, event.thing_kind) for values in (event.before, event.after))
    names = dict.fromkeys([*before, *after])
    return [(_name(name), before.get(name, ""), after.get(name, "")) for name in names]


@bp.app_template_filter("actor_text")
def actor(event: AuditEvent) -> str:
    """Who did it: a person's name, or what kind of actor it was."""
    if event.actor_kind == "operator" and not event.actor_name:
        return _("%(provider)s staff", provider=current_app.settings.provider.name)
    name = event.actor_name or event.actor_kind
    is_person = event.actor_kind in ("member", "operator") and event.actor_name
    return name if is_person else str(trail_words.ACTORS.get(name, name))


@bp.app_template_filter("source_text")
def source(event: AuditEvent) -> str:
    """From where it was done."""
    return str(trail_words.SOURCES.get(event.source, event.source))


def _flat(values: dict, thing: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        flat |= _flat(value, thing) if isinstance(value, dict) else {name: _text(thing, name, value)}
    return flat


def _name(name: str) -> str:
    if name in RULES:
        return str(RULES[name].label)
    return _(DETAILS[name]) if name in DETAILS else str(trail_words.FIELDS.get(name, name))


def _text(thing: str, name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_name(part) if name == "details" else str(part) for part in value)
    if name.endswith("_bytes") and isinstance(value, int):
        return bytes_text(value)
    known = trail_words.VALUES.get(f"{thing}.{name}") or trail_words.VALUES.get(name, {})
    text = "" if value is None else str(value)
    if isinstance(value, bool) and text not in known:
        return _("yes") if value else _("no")
    return str(known.get(text, text))
