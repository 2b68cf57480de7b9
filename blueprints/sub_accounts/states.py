"""What the states of sub-accounts, keys and flow-down terms are called in English, and how urgent each looks."""

from models.lists import STATES
from models.sub_account import SETTLED_PHASES
from services.refusal import N_

PHASES = {
    "pending": (N_("Being set up"), "info"),
    "provisioning": (N_("Being set up"), "info"),
    "ready": (N_("Active"), "good"),
    "updating": (N_("Active, change being applied"), "info"),
    "waiting_capacity": (N_("Active, waiting for capacity"), "warn"),
    "suspending": (N_("Being paused"), "info"),
    "suspended": (N_("Paused"), "neutral"),
    "deleting": (N_("Being deleted"), "info"),
    "deleted": (N_("Deleted"), "neutral"),
    "attention": (N_("Problem, we are looking at it"), "bad"),
}
TO_BE_DELETED = (N_("Paused, will be deleted"), "warn")
PAUSED_CHANGING = (N_("Paused, change being applied"), "info")
RESUMING = (N_("Being resumed"), "info")
WAITS_FOR_ROOM = (N_("Being set up, waiting for capacity"), "warn")
KEYS = {
    "pending": (N_("Being made"), "info"),
    "waiting": (N_("Not shown"), "warn"),
    "shown": (N_("In use, better replaced"), "info"),
    "replaced": (N_("Replaced"), "good"),
    "inactive": (N_("Switched off"), "neutral"),
    "attention": (N_("Problem"), "bad"),
}
FLOW_DOWN = {
    "none": (N_("Missing"), "bad"),
    "sent": (N_("Link sent"), "info"),
    "declined": (N_("Not agreed"), "bad"),
    "accepted": (N_("Agreed by the customer"), "good"),
    "attested": (N_("Agreed, confirmed by you"), "good"),
    "outdated": (N_("Outdated"), "warn"),
}
OUTDATED_SENT = (N_("Outdated, link sent"), "info")


def settled(row) -> bool:
    return row.phase in SETTLED_PHASES and row.observed_generation == row.generation


def waits_to_be_set_up(row) -> bool:
    """Never set up so far, because other sub-accounts still hold what they give up."""
    return row.phase in STATES["setting-up"] and row.reason_code == "no_room"


def phase_badge(row) -> tuple[str, str]:
    """Words and kind of the badge. What was settled and got a newer wish is being changed; what is refused there is
    called paused until the keys work again."""
    if waits_to_be_set_up(row):
        return WAITS_FOR_ROOM
    phase = "updating" if row.phase in SETTLED_PHASES and not settled(row) else row.phase
    barred = row.observed_state == "suspended"
    if row.wanted_state == "suspended" and row.delete_after_at is not None and phase in ("updating", "suspended"):
        return TO_BE_DELETED
    if barred and phase in ("updating", "waiting_capacity"):
        return PAUSED_CHANGING if row.wanted_state == "suspended" else RESUMING
    return PHASES[phase]


def key_state(phase: str | None, revealed_at) -> str:
    """The state of the first key; without one it was replaced."""
    if phase in (None, "deleted"):
        return "replaced"
    if phase == "live":
        return "shown" if revealed_at else "waiting"
    return phase


def flow_down_badge(state: str, linked: bool) -> tuple[str, str]:
    """`linked`: a link waits for the customer."""
    return OUTDATED_SENT if state == "outdated" and linked else FLOW_DOWN[state]


def key_badge(phase: str | None, revealed_at) -> tuple[str, str]:
    return KEYS[key_state(phase, revealed_at)]
