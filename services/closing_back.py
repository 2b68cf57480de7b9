"""A closure is taken back, by the partner or by staff (T19)."""

from models.base import locked, write_tx
from models.change_request import ChangeRequest
from models.closure import Closure
from models.partner import Partner
from services import closing
from services.audit import Act, record
from services.closing import ClosureRefused
from services.refusal import N_
from services.settings import Settings


def withdraw(act: Act, closure: Closure, settings: Settings | None = None, reason: str = "") -> Closure:
    """Takes it back, any time before removing begins; with `settings` the administrators are told by mail. Contracts
    that are over stay so: only a renewal lets them run again. One that is withdrawn stays as it is.

    A member takes back what the partner itself asked for, and that only for the partner as a whole; the rest is for
    staff, who say why when they take back a termination. Raises ClosureRefused for who may not, once removing has
    begun, and for a contract that is over."""
    with write_tx():
        closing.lock_scope(closure.partner_id, closure.contract_id)
        partner = locked(Partner.select().where(Partner.id == closure.partner_id)).get()
        closure = Closure.locked(closure.id)
        if closure.state == "withdrawn":
            return closure
        if closure.state not in ("notice", "transition", "retrieval"):
            raise ClosureRefused(N_("Removing has begun. The closure can no longer be taken back."))
        _refuse_foreign(act, closure, reason)
        if closure.contract_id is not None and closure.state != "notice":
            raise ClosureRefused(N_("This contract is over. Renew it instead; that ends the closure."))
        end_withdrawn(act, closure, partner, reason)
        if settings is not None:
            closing.tell(act, settings, closure, why=reason.strip())
    return closure


def _refuse_foreign(act: Act, closure: Closure, reason: str) -> None:
    if act.kind == "member" and not closure.partners_own:
        raise ClosureRefused(N_("Your company did not ask for this closure. Write to us if it should not go on."))
    if act.kind == "operator" and closure.cause == "terminated" and not reason.strip():
        raise ClosureRefused(N_("Write down why. The partner reads it."), "reason")


def end_withdrawn(act: Act, closure: Closure, partner: Partner, reason: str = "") -> None:
    """Call with everything locked."""
    before = closure.state
    closure.state, closure.withdrawn_at, closure.withdrawn_name = "withdrawn", act.at, act.actor_name
    closure.save(only=["state", "withdrawn_at", "withdrawn_name"])
    if closure.contract_id is None and partner.state == "closing":
        partner.state = closure.partner_state
        partner.save(only=[Partner.state])
    if closure.partners_own:  # as it stands in the partner's list of requests
        ended = {"state": "withdrawn", "decided_at": act.at, "turn_at": act.at}
        ended["decided_by"] = act.actor_name if act.kind == "member" else ""
        begun = (ChangeRequest.kind == "closure") & (ChangeRequest.decided_at == closure.asked_at)
        own = (ChangeRequest.partner == partner) & ChangeRequest.contract.is_null()
        ChangeRequest.update(**ended).where(own, begun).execute()
    after = {"state": "withdrawn", "partner_state": partner.state}
    if reason.strip():
        after["reason"] = reason.strip()
    record(act, "closure.withdrawn", closure, partner=partner, before={"state": before}, after=after)
