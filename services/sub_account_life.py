"""What a partner does with a sub-account as a whole: pause and resume it, have it deleted, and restore it in time.

The storage service follows as with any other change. Nothing here deletes: that begins by itself (services.purging)
when the delay is over, and from then on nothing is restored.
"""

from datetime import timedelta

from models.base import locked, write_tx
from models.deletion import Deletion
from models.partner import Partner
from models.sub_account import SubAccount
from services import contracts_access, deletion_second, holds, names
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.team_rules import lock_partners
from services.verification import tell_admins


class LifeRefused(Refusal):
    """The sub-account stays as it is."""


def suspend(act: Act, partner: Partner, number: str) -> SubAccount:
    """All keys are refused, the data and the allocation are kept. A paused one stays as it is.

    Raises NotFound, and LifeRefused for one that is to be deleted."""
    with write_tx():
        row = _own(partner, number)
        _refuse_deletion(row)
        if row.wanted_state == "suspended":
            return row
        row.suspended_at, row.suspended_by = act.at, act.actor_name
        holds.want(act, row, "suspended")
        record(act, "sub_account.suspended", row, partner=row.partner_id, after={"wanted_state": "suspended"})
    return row


def resume(act: Act, partner: Partner, number: str) -> SubAccount:
    """The keys work again. An active one stays as it is.

    Raises NotFound, and LifeRefused for one that is to be deleted, whose contract is over, or that we hold."""
    with write_tx():
        row = _own(partner, number)
        _refuse_deletion(row)
        if row.wanted_state == "active":
            return row
        if not holds.contract_runs(row):
            raise LifeRefused(N_("The contract of %(name)s is not active. Its keys stay refused."), name=row.name)
        if row.held_at is not None:
            raise LifeRefused(N_("We keep %(name)s suspended at present. Its keys stay refused."), name=row.name)
        row.suspended_at, row.suspended_by = None, ""
        holds.want(act, row, "active")
        record(act, "sub_account.reactivated", row, partner=row.partner_id, after={"wanted_state": "active"})
    return row


def delete(act: Act, settings: Settings, partner: Partner, number: str, typed: str) -> SubAccount:
    """The keys are refused at once; after `settings.deletion_days` all data go. Until that begins it can be restored,
    and it keeps its name and its allocation. All administrators are told by mail. Beyond so many a day a second
    one has to agree (services/deletion_second.py). One that is to be deleted already stays as it is.

    `typed` must be the name or the number, a guard against slips. Raises NotFound and LifeRefused (field "typed")."""
    with write_tx():
        lock_partners(partner.id)
        row = _own(partner, number)
        if row.wanted_state == "deleted" or row.delete_after_at is not None:
            return row
        if typed.strip() != row.number and names.key(typed) != row.name_key:
            raise LifeRefused(N_("This is not the name of this sub-account. Type %(name)s."), "typed", name=row.name)
        row.delete_after_at = act.at + timedelta(days=settings.deletion_days)
        deletion = Deletion.create(
            sub_account=row,
            region=row.region_id,
            asked_at=act.at,
            asked_by=f"{act.kind}:{act.actor_id}",
            asked_name=act.actor_name,
        )
        before = {"wanted_state": row.wanted_state}
        holds.want(act, row, "suspended")
        after = {"wanted_state": "suspended", "delete_after_at": row.delete_after_at}
        record(act, "sub_account.deletion_asked", row, partner=row.partner_id, before=before, after=after)
        path = f"/sub-accounts/{row.number}"
        tell_admins(act, settings, row.partner, "deletion_asked", path, account=row, who=act.actor_name)
        deletion_second.want_where_many(act, settings, deletion, row)
    return row


def restore(act: Act, partner: Partner, number: str) -> SubAccount:
    """Takes the deletion back, any time before it begins. What was paused before stays paused, and so does what
    belongs to a contract that is over. One that is not to be deleted stays as it is.

    Raises NotFound, and LifeRefused once the deletion has begun."""
    with write_tx():
        row = _own(partner, number)
        if row.wanted_state == "deleted":
            raise LifeRefused(
                N_("The deletion of %(name)s has begun. It can no longer be stopped or taken back."), name=row.name
            )
        if row.delete_after_at is None:
            return row
        if contracts_access.is_being_purged(row):
            raise LifeRefused(
                N_("%(name)s is removed because its contract is over. That can no longer be taken back."), name=row.name
            )
        Deletion.delete().where(Deletion.sub_account == row).execute()
        before = {"delete_after_at": row.delete_after_at}
        row.delete_after_at = None
        if row.barred_at is None and not holds.contract_runs(row):
            row.barred_at = act.at
            row.save(only=["barred_at"])
        wanted = "active" if holds.may_work(row) else "suspended"
        holds.want(act, row, wanted)
        record(act, "sub_account.restored", row, partner=row.partner_id, before=before, after={"wanted_state": wanted})
    return row


def _own(partner: Partner, number: str) -> SubAccount:
    row = locked(SubAccount.select().where(SubAccount.partner == partner, SubAccount.number == number)).first()
    if row is None:
        raise NotFound()
    return row


def _refuse_deletion(row: SubAccount) -> None:
    if row.wanted_state == "deleted":
        raise LifeRefused(N_("%(name)s is being deleted. That can no longer be changed."), name=row.name)
    if row.delete_after_at is not None:
        raise LifeRefused(
            N_("%(name)s will be deleted on %(after_at)s. Restore it first."),
            name=row.name,
            after_at=row.delete_after_at,
        )
