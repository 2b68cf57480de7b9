"""How far the storage service has followed a row of the board, in words."""

from markupsafe import Markup

from blueprints import formats, pieces
from models.sub_account import SubAccount
from services.refusal import N_

STUCK = N_("We are looking at a problem; access goes on"), "bad"
SET_UP = N_("Being set up"), "info"
WAITS = N_("Waits until another sub-account has released capacity"), "info"
PAUSED = N_("Paused"), "neutral"
TO_BE_DELETED = N_("Paused, will be deleted"), "warn"
APPLIED = N_("Being applied; %(amount)s in force")
ABOVE = N_("%(amount)s above the allocation")
FULL = N_("Full: new uploads are refused"), "warn"


def badge(account: SubAccount) -> Markup:
    """Nothing for a row that is as it was wanted and has room."""
    plain, reader = _plain(account), formats.reader()
    if plain:
        return pieces.worded_badge(reader.translations, *plain)
    if not account.settled:
        return pieces.badge(pieces.with_amount(reader, APPLIED, account.in_force_bytes or 0), "info")
    if account.excess_bytes:
        return pieces.badge(pieces.with_amount(reader, ABOVE, account.excess_bytes), "warn")
    return Markup()


def _plain(account: SubAccount) -> tuple[str, str] | None:
    """The states whose words hold no figure, in the order in which they go before each other."""
    if account.phase == "attention":
        return STUCK
    if account.phase in ("pending", "provisioning"):
        return WAITS if account.reason_code == "no_room" else SET_UP
    if account.phase == "waiting_capacity":
        return WAITS
    if not account.settled:
        return None
    if account.phase == "suspended":
        return TO_BE_DELETED if account.delete_after_at else PAUSED
    return None if account.writable else FULL
