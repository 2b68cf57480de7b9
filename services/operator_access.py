"""Taking an operator's access away, and giving it back."""

from models.base import locked, write_tx
from models.operator import Operator
from services import sessions
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal


class AccessRefused(Refusal):
    """The operator's access stays as it was."""


def deactivate(act: Act, operator_id: int) -> Operator:
    """Ends the operator's access and sessions at once. Raises AccessRefused for oneself and for the last active owner:
    nobody could add operators any more."""
    with write_tx():
        owners = list(locked(Operator.select().where(Operator.right == "owner", Operator.active).order_by(Operator.id)))
        operator = _locked(operator_id)
        if act.kind == "operator" and act.actor_id == str(operator.id):
            raise AccessRefused(N_("You cannot take away your own access. Ask another owner."))
        if [owner.id for owner in owners] == [operator.id]:
            raise AccessRefused(N_("%(name)s is the last owner. Add another owner first."), name=operator.name)
        _set(act, operator, active=False, action="operator.deactivated")
        sessions.end_all(act, operator, "access taken away")
    return operator


def activate(act: Act, operator_id: int) -> Operator:
    """Gives access back to an operator who lost it; password and right are as before."""
    with write_tx():
        operator = _locked(operator_id)
        _set(act, operator, active=True, action="operator.activated")
    return operator


def _locked(operator_id: int) -> Operator:
    operator = locked(Operator.select().where(Operator.id == operator_id)).first()
    if operator is None:
        raise NotFound()
    return operator


def _set(act: Act, operator: Operator, *, active: bool, action: str) -> None:
    """Written once: a second click finds nothing to change."""
    if operator.active == active:
        return
    operator.active = active
    operator.save(only=[Operator.active])
    record(act, action, operator, before={"active": not active}, after={"active": active})
