"""What the states of sub-accounts, keys and flow-down terms are called, and how urgent each looks."""

from flask_babel import lazy_gettext as _l

from models.sub_account import SETTLED_PHASES

PHASES = {
    "pending": (_l("Being set up"), "info"),
    "provisioning": (_l("Being set up"), "info"),
    "ready": (_l("Active"), "good"),
    "updating": (_l("Active, change being applied"), "info"),
    "waiting_capacity": (_l("Active, waiting for capacity"), "warn"),
    "suspending": (_l("Being paused"), "info"),
    "suspended": (_l("Paused"), "neutral"),
    "deleting": (_l("Being deleted"), "info"),
    "deleted": (_l("Deleted"), "neutral"),
    "attention": (_l("Problem, we are looking at it"), "bad"),
}
KEYS = {
    "pending": (_l("Being made"), "info"),
    "waiting": (_l("Not shown"), "warn"),
    "shown": (_l("In use, better replaced"), "info"),
    "replaced": (_l("Replaced"), "good"),
    "inactive": (_l("Switched off"), "neutral"),
    "attention": (_l("Problem"), "bad"),
}
FLOW_DOWN = {
    "agreed": (_l("Agreed"), "good"),
    "outdated": (_l("Outdated"), "warn"),
    "missing": (_l("Missing"), "bad"),
}


def settled(row) -> bool:
    return row.phase in SETTLED_PHASES and row.observed_generation == row.generation


def phase_badge(row) -> tuple:
    """Words and kind of the badge. What was settled and got a newer wish is being changed."""
    phase = "updating" if row.phase in SETTLED_PHASES and not settled(row) else row.phase
    return PHASES[phase]


def key_state(phase: str | None, revealed_at) -> str:
    """The state of the first key; without one it was replaced."""
    if phase in (None, "deleted"):
        return "replaced"
    if phase == "live":
        return "shown" if revealed_at else "waiting"
    return phase


def flow_down_state(agreed_label: str | None, current_label: str | None) -> str:
    if agreed_label is None:
        return "missing"
    return "agreed" if current_label in (None, agreed_label) else "outdated"


def flow_down_badge(labels: tuple) -> tuple:
    return FLOW_DOWN[flow_down_state(*labels)]


def key_badge(key: tuple) -> tuple:
    return KEYS[key_state(*key)]


FILTERS = {"phase_badge": phase_badge, "flow_down_badge": flow_down_badge, "key_badge": key_badge}
