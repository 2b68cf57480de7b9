"""Who may use the customer console, and how much of it: the contact of a sub-account, while that and its partner are as
they should be (T4, T9, T13, T19). Asked at each request, so that whatever ends access ends it at once."""

from datetime import datetime

from models.console import ConsoleUser
from models.sub_account import SubAccount
from services import people, standing
from services.standing import LEVELS, Standing

PARTNER_STATES = ("active", "closing")


def is_open(user: ConsoleUser) -> bool:
    """Whether this user may sign in and be signed in: still the contact, not deactivated, of a sub-account that is not
    paused or to be deleted, of a partner that is not suspended. The sub-account and its partner are loaded."""
    account = user.sub_account
    return (
        bool(user.active)
        and user.removed_at is None
        and user.email_key == people.email_key(account.contact_email)
        and account.wanted_state == "active"
        and account.held_at is None
        and account.delete_after_at is None
        and account.partner.state in PARTNER_STATES
    )


def of(account: SubAccount, at: datetime) -> Standing:
    """How much may be done: what the partner may do, and no change once the contract is over: then data are fetched,
    and keys that work are not touched. Its level is one of services/standing.py; "export" is enough to look."""
    now = standing.of(account.partner, at)
    if account.barred_at is None and not account.read_only:
        return now
    ended = standing.by_rule("contract_ended", True)
    return min((now, ended), key=lambda one: LEVELS.index(one.level))
