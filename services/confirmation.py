"""“Are these details still right?”: asked again and again, and answered by a partner's administrator (T8).

The portal asks by itself (`ask_due`, a job of the worker), gives time, and only then leaves the partner with looking:
nobody falls short because the worker stood still, or because a rule was changed meanwhile.
"""

import hashlib
import json
from datetime import datetime, timedelta
from functools import partial

from peewee import fn

from models.base import locked, write_tx
from models.partner import Partner
from services import one_by_one, policy
from services.audit import Act, record
from services.clock import local_day
from services.desk import given, open_changes, tell_admins
from services.refusal import N_, Refusal
from services.settings import Settings

BATCH = 100
PATH = "/company"


class ConfirmationRefused(Refusal):
    """The details are not confirmed."""


def worded(partner: Partner) -> str:
    """Names what the details say, and what of them waits for the desk, so that two pages at once are noticed."""
    seen = [given(partner), [(row.field, row.value_after) for row in open_changes(partner).values()]]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:32]


def asked(partner: Partner) -> bool:
    """Whether the partner has to confirm its details now."""
    return partner.details_asked_at is not None


def overdue(partner: Partner, at: datetime) -> bool:
    """Whether the time to confirm them is over: the partner may only look until it does."""
    return partner.details_due_at is not None and partner.details_due_at <= at


def ask_due(act: Act, settings: Settings) -> int:
    """Asks the partners whose details were confirmed (or approved) too long ago, and tells those whose time is over;
    returns how many mails' worth of partners that were, at most BATCH of each."""
    rules = policy.current()
    before = act.at - timedelta(days=rules.confirm_details_days)
    known_at = fn.COALESCE(Partner.details_confirmed_at, Partner.decided_at, Partner.created_at)
    active = Partner.state == "active"
    to_ask = Partner.select(Partner.id).where(active, Partner.details_asked_at.is_null(), known_at <= before)
    to_tell = Partner.select(Partner.id).where(
        active, Partner.details_due_at <= act.at, Partner.details_told_at.is_null()
    )
    ask = partial(_ask, act, settings, before, rules.confirm_grace_days)
    asked = one_by_one.rows(act, "question about details to partner", to_ask.order_by(Partner.id).limit(BATCH), ask)
    due = to_tell.order_by(Partner.id).limit(BATCH)
    return asked + one_by_one.rows(act, "mail about details to partner", due, partial(_tell, act, settings))


def confirmed(act: Act, partner: Partner) -> None:
    """Notes on the locked row that its details were looked at now, in the transaction of a change or a confirmation."""
    partner.details_confirmed_at = act.at
    partner.details_asked_at = partner.details_due_at = partner.details_told_at = None
    partner.save(only=["details_confirmed_at", "details_asked_at", "details_due_at", "details_told_at"])


def confirm(act: Act, partner: Partner, seen: str) -> Partner:
    """An administrator says that all details are right. `seen` is what `worded` said of what they
    looked at. Raises ConfirmationRefused when somebody changed them meanwhile."""
    with write_tx():
        row = locked(Partner.select().where(Partner.id == partner.id)).get()
        if worded(row) != seen:
            raise ConfirmationRefused(
                N_("Somebody changed the details meanwhile. Look at them as they are now, then confirm.")
            )
        before = {"details_confirmed_at": row.details_confirmed_at}
        confirmed(act, row)
        record(act, "partner.details_confirmed", row, partner=row, before=before, after={})
    return row


def _ask(act: Act, settings: Settings, before: datetime, grace_days: int, partner_id: int) -> bool:
    with write_tx():
        row = locked(Partner.select().where(Partner.id == partner_id)).get()
        known_at = row.details_confirmed_at or row.decided_at or row.created_at
        if row.state != "active" or row.details_asked_at is not None or known_at > before:
            return False
        row.details_asked_at, row.details_due_at = act.at, act.at + timedelta(days=grace_days)
        row.save(only=["details_asked_at", "details_due_at"])
        record(act, "partner.details_asked", row, partner=row, after={"due_at": row.details_due_at})
        tell_admins(
            act,
            settings,
            row,
            "details_confirm",
            PATH,
            due_on=local_day(row.details_due_at, settings.provider.time_zone),
        )
    return True


def _tell(act: Act, settings: Settings, partner_id: int) -> bool:
    with write_tx():
        row = locked(Partner.select().where(Partner.id == partner_id)).get()
        if row.state != "active" or row.details_told_at is not None or not overdue(row, act.at):
            return False
        row.details_told_at = act.at
        row.save(only=["details_told_at"])
        record(act, "partner.details_overdue", row, partner=row)
        tell_admins(act, settings, row, "details_overdue", PATH)
    return True
