"""What the page of one sub-account shows, and what of it changes while the storage service follows."""

import secrets

from flask import g
from flask_babel import gettext as _

from blueprints import formats, pieces
from blueprints.access import act, viewer
from blueprints.sub_accounts.states import FLOW_DOWN, flow_down_state, phase_badge, settled, waits_to_be_set_up
from models.sub_account import AccessKey, SubAccount
from services import access_keys, connection, key_rules, usage_chart
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
    """The values of the parts that the page asks for again: state, capacity, keys."""
    keys = access_keys.own_keys(viewer.partner, account)
    stuck = account.phase == "attention"
    key_coming = any(key.phase == "pending" for key in keys)
    working = [key for key in keys if key.phase == "live"]
    offers = key_rules.offers(act(), account, keys)
    at = connection.of(account, working[-1].access_key_id if working else None)
    return {
        "account": account,
        "keys": keys,
        "offers": offers,
        "rotation": key_rules.rotation(offers),
        "once": secrets.token_urlsafe(16),
        "badge": pieces.worded_badge(formats.reader().translations, *phase_badge(account)),
        "steps": steps(account, keys),
        "waits_for_room": waits_to_be_set_up(account),
        "waiting": not stuck and (not settled(account) or key_coming),
        "seen": seen(account, keys),
        "connection": at,
        "snippets": connection.snippets(at),
    }


def riders(values: dict) -> tuple[str, ...]:
    """What goes with the state: never the keys while a secret or a link may stand there: it would be swapped away."""
    shown = any(offer.may_show and (offer.key.revealed_at or offer.handed_until_at) for offer in values["offers"])
    return ("sub_accounts/_capacity.html", *(() if shown else ("access_keys/_keys.html",)))


def seen(account: SubAccount, keys: list[AccessKey]) -> str:
    """A fingerprint of what is shown: a poll that brings it back gets nothing new."""
    shown = (
        account.phase,
        account.generation,
        account.observed_generation,
        account.in_force_bytes or 0,
        account.writable,
        account.reason_code,
        *(f"{key.id}-{key.phase}" for key in keys),
    )
    return ".".join(str(part) for part in shown).lower()


def steps(account: SubAccount, keys: list[AccessKey]) -> list[tuple[str, str]]:
    """How far the set-up is; empty once it is over."""
    if account.phase not in SET_UP_PHASES:
        return []
    made = account.phase == "provisioning"
    has_key = any(key.phase == "live" for key in keys)
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
