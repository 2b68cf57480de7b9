"""What the page of one sub-account shows, and what of it changes while the storage service follows."""

import secrets
from datetime import datetime

from flask import g
from flask_babel import gettext as _

from blueprints import formats, pieces
from blueprints.access import act, viewer
from blueprints.consent_boxes import document_html
from blueprints.sub_accounts.states import flow_down_badge, phase_badge, settled, waits_to_be_set_up
from models import flow_down as flow_down_of
from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from services import access_keys, connection, contracts_moves, flow_down, key_rules, usage_chart
from services.sub_account_lookup import flow_down_terms

SET_UP_PHASES = ("pending", "provisioning")


def page(account: SubAccount) -> dict:
    values = live(account)
    return {
        **values,
        **terms(account),
        "chart": usage_chart.of_last_days(account, g.clock.now()),
    }


def terms(account: SubAccount) -> dict:
    """The part about the terms for end customers; it is asked for again while a link waits."""
    at, link, state = g.clock.now(), account.flow_down_link, account.flow_down_state
    waits = link is not None and link.expires_at > at
    agreed = account.flow_down
    return {
        "account": account,
        "agreed": agreed,
        "earlier": flow_down_of.earlier(account),
        "link": link,
        "link_waits": waits,
        "due_at": flow_down.renewal_due_at(agreed.version, at) if agreed and state == "outdated" else None,
        "flow_down_badge": pieces.worded_badge(formats.reader().translations, *flow_down_badge(state, waits)),
        "flow_down_state": state,
        "terms_seen": f"{state}.{agreed.id if agreed else 0}.{link.id if link else 0}.{waits}".lower(),
        "once": secrets.token_urlsafe(16),
    }


def terms_text(at: datetime):
    """The terms in force in the reader's language, with their HTML; nothing where none are published."""
    version = flow_down_terms(at, formats.language())
    return version, document_html(version) if version else ""


def live(account: SubAccount) -> dict:
    """The values of the parts that the page asks for again: state, capacity, keys."""
    keys = access_keys.own_keys(viewer.partner, account)
    stuck = account.phase == "attention"
    working = [key for key in keys if key.phase == "live"]
    deletion = deletion_of(account)
    offers = key_rules.offers(act(), account, keys)
    key_coming = any(offer.key.phase == "pending" and not offer.held for offer in offers)
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
        "seen": seen(account, keys, deletion),
        "connection": at,
        "snippets": connection.snippets(at),
        "deletion": deletion,
        "days_left": days_left(account),
        "movable": account.delete_after_at is None and contracts_moves.has_targets(account),
    }


def deletion_of(account: SubAccount) -> Deletion | None:
    """Asked for only where there can be one."""
    if account.delete_after_at is None and account.wanted_state != "deleted":
        return None
    return Deletion.get_or_none(Deletion.sub_account == account)


def days_left(account: SubAccount) -> int:
    """Whole days until the deletion begins."""
    return max(0, (account.delete_after_at - g.clock.now()).days) if account.delete_after_at else 0


def riders(values: dict) -> tuple[str, ...]:
    """What goes with the state: never the keys while a secret or a link may stand there: it would be swapped away. The
    page of one that is being deleted has neither part."""
    if values["account"].wanted_state == "deleted":
        return ()
    shown = any(offer.may_show and (offer.key.revealed_at or offer.handed_until_at) for offer in values["offers"])
    return ("sub_accounts/_capacity.html", *(() if shown else ("access_keys/_keys.html",)))


def seen(account: SubAccount, keys: list[AccessKey], deletion: Deletion | None) -> str:
    """A fingerprint of what is shown: a poll that brings it back gets nothing new."""
    shown = (
        account.phase,
        account.generation,
        account.observed_generation,
        account.in_force_bytes or 0,
        account.writable,
        account.reason_code,
        account.wanted_state,
        account.delete_after_at is not None,
        *progress(deletion),
        *(f"{key.id}-{key.phase}" for key in keys),
    )
    return ".".join(str(part) for part in shown).lower()


def progress(deletion: Deletion | None) -> tuple:
    """How far a deletion has come."""
    if deletion is None:
        return ()
    return (
        deletion.found_bytes,
        deletion.removed_bytes,
        deletion.removed_objects,
        deletion.held_reason if deletion.waits_for_second else "",
    )


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
    if account.phase == "deleted":
        return _("%(name)s is deleted.", name=account.name)
    if account.phase == "suspended":
        return _("%(name)s is paused. Its keys are refused.", name=account.name)
    return _("%(name)s is up to date on the storage service.", name=account.name)
