"""What the page of one sub-account shows, and what of it changes while the storage service follows."""

from flask import g
from flask_babel import gettext as _

from blueprints import formats, pieces
from blueprints.access import act, viewer
from blueprints.sub_accounts.states import FLOW_DOWN, flow_down_state, phase_badge, settled, waits_to_be_set_up
from models.sub_account import AccessKey, SubAccount
from services import access_keys, connection, usage_chart
from services.sub_account_lookup import history

SET_UP_PHASES = ("pending", "provisioning")


def page(account: SubAccount) -> dict:
    values = live(account)
    keys = values["keys"]
    agreed = account.flow_down.version.label if account.flow_down else None
    state = flow_down_state(agreed, account.flow_down_label)
    return {
        **values,
        "chart": usage_chart.of_last_days(account, g.clock.now()),
        "events": history(viewer.partner, account, keys),
        "flow_down_badge": pieces.worded_badge(formats.reader().translations, *FLOW_DOWN[state]),
        "flow_down_state": state,
    }


def live(account: SubAccount) -> dict:
    """The values of the parts that the page asks for again: state, capacity, first key."""
    keys = access_keys.own_keys(viewer.partner, account)
    key = next((key for key in keys if key.origin == "initial"), None)
    stuck = account.phase == "attention"
    key_coming = key is not None and key.phase == "pending"
    at = connection.of(account, key.access_key_id if key else None)
    return {
        "account": account,
        "keys": keys,
        "key": key,
        "may_show": key is not None and access_keys.may_show(act(), key),
        "badge": pieces.worded_badge(formats.reader().translations, *phase_badge(account)),
        "steps": steps(account, key),
        "waits_for_room": waits_to_be_set_up(account),
        "waiting": not stuck and (not settled(account) or key_coming),
        "seen": seen(account, key),
        "connection": at,
        "snippets": connection.snippets(at),
    }


def riders(values: dict) -> tuple[str, ...]:
    """What goes with the state: never the first key once it was shown, or its secret would be swapped away."""
    key = values["key"]
    first_key = ("access_keys/_first.html",) if key is not None and key.revealed_at is None else ()
    return ("sub_accounts/_capacity.html", *first_key)


def seen(account: SubAccount, key: AccessKey | None) -> str:
    """A fingerprint of what is shown: a poll that brings it back gets nothing new."""
    shown = (
        account.phase,
        account.generation,
        account.observed_generation,
        account.in_force_bytes or 0,
        account.writable,
        account.reason_code,
    )
    return ".".join(str(part) for part in (*shown, key.phase if key else "")).lower()


def steps(account: SubAccount, key: AccessKey | None) -> list[tuple[str, str]]:
    """How far the set-up is; empty once it is over."""
    if account.phase not in SET_UP_PHASES:
        return []
    made = account.phase == "provisioning"
    has_key = key is not None and key.phase == "live"
    return [
        (_("Saved"), "done"),
        (_("Storage account"), "done" if made else "current"),
        (_("First key"), "done" if has_key else "current" if made else "todo"),
        (_("Ready"), "current" if has_key else "todo"),
    ]


def settled_text(account: SubAccount) -> str:
    if account.phase == "attention":
        return _("There is a problem with %(name)s. We are looking at it.", name=account.name)
    return _("%(name)s is up to date on the storage service.", name=account.name)
