"""Keys wait for the customer's agreement where the provider wants it so (T2, rule `flow_down_before_keys`).

Agreement to an older version counts until its time for renewal is over. Nothing here undoes anything: keys that a
customer has go on working.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from peewee import ColumnBase, fn

from models.base import locked, write_tx
from models.flow_down import FlowDown, current_label
from models.sub_account import AccessKey, SubAccount
from models.terms import TermsVersion
from services import one_by_one, policy
from services.allocation_ledger import APPLY_WITHIN
from services.audit import Act
from services.refusal import N_

HELD = N_("Keys wait until the customer has agreed to the terms for end customers. See the part about these terms.")
MOST_A_ROUND = 200


def wanted() -> bool:
    """Whether keys wait for agreements at all."""
    return policy.current().flow_down_before_keys


def held(sub_account_id: int, at: datetime) -> bool:
    """Whether keys of this sub-account are neither made nor shown nor replaced now. One query while the rule is off."""
    condition = held_ones(at)
    return condition is not None and SubAccount.select().where(SubAccount.id == sub_account_id, condition).exists()


def held_ones(at: datetime) -> ColumnBase | None:
    """The condition of sub-accounts whose keys wait; None while the rule is off."""
    rules = policy.current()
    return ~agreed_in_time(at, rules.flow_down_renewal_days) if rules.flow_down_before_keys else None


def agreed_in_time(at: datetime, renewal_days: int) -> ColumnBase:
    """The condition of sub-accounts whose customer agreed to a version that was in force at some time within the last
    `renewal_days`: to the one in force, or to one whose time for renewal is not over."""
    since_at = at - timedelta(days=renewal_days)
    recent = (TermsVersion.label == current_label(since_at)) | (TermsVersion.effective_at > since_at)
    own = FlowDown.select(1).join(TermsVersion).where(FlowDown.sub_account == SubAccount.id)
    return fn.EXISTS(own.where(recent))


def let_go(act: Act, account: SubAccount) -> None:
    """The customer has agreed: keys that wait are made. `account` is locked, inside the transaction of the cause."""
    pending = AccessKey.select().where(AccessKey.sub_account == account, AccessKey.phase == "pending")
    if account.settled and account.wanted_state == "active" and pending.exists():
        _want(act, account)


def let_go_all(act: Act) -> int:
    """Keys of settled sub-accounts that wait and need not any more are made: whatever let them go, a switched rule or
    an agreement in the worst moment. Returns how many sub-accounts; for the worker, a batch each round."""
    waiting = AccessKey.select(AccessKey.sub_account).where(AccessKey.phase == "pending")
    settled = (SubAccount.phase == "ready") & (SubAccount.observed_generation == SubAccount.generation)
    condition = held_ones(act.at)
    free = settled if condition is None else settled & ~condition
    query: Any = SubAccount.select(SubAccount.id).where(SubAccount.id.in_(waiting), free)
    due = query.order_by(SubAccount.id).limit(MOST_A_ROUND)
    return one_by_one.rows(act, "waiting keys of sub-account", due, partial(_let_go, act))


def _let_go(act: Act, row_id: int) -> bool:
    with write_tx():
        let_go(act, locked(SubAccount.select().where(SubAccount.id == row_id)).get())
    return True


def _want(act: Act, account: SubAccount) -> None:
    """Makes the sub-account due for the worker."""
    account.generation += 1
    account.phase = "updating"
    account.attempts, account.next_attempt_at, account.deadline_at = 0, act.at, act.at + APPLY_WITHIN
    account.save(only=["generation", "phase", "attempts", "next_attempt_at", "deadline_at"])
