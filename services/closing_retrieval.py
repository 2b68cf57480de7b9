"""The time in which data can be fetched after the end of a contract, at least 30 days (Regulation (EU) 2023/2854, Art.
25(2)(g)): it begins when they can be, so what is opened late moves its end."""

from datetime import timedelta

from models.base import write_tx
from models.closure import Closure
from models.sub_account import SubAccount
from services import closing, contracts_access, one_by_one
from services.audit import Act, record
from services.settings import Settings

LATE = timedelta(minutes=15)  # somewhat more than a sweep and what the worker needs after it


def open_due(act: Act) -> list[str]:
    """In the retrieval of a closure data can be fetched, where the storage service can be kept from taking in more."""
    due = contracts_access.readable(_in_retrieval())
    opened = one_by_one.rows(act, "opening of sub-account", due, lambda row: contracts_access.open_reading(act, [row]))
    return [f"{opened} sub-accounts can be read"] if opened else []


def wants_another_round() -> bool:
    """Whether a round was too small for the sub-accounts that contracts and closures move."""
    return contracts_access.is_behind() or contracts_access.readable(_in_retrieval()).exists()


def _in_retrieval():
    """The sub-accounts of all closures in retrieval."""
    closures = Closure.select().where(Closure.state == "retrieval")
    partners = closures.select(Closure.partner).where(Closure.contract.is_null())
    contracts = closures.select(Closure.contract).where(Closure.contract.is_null(False))
    return SubAccount.partner.in_(partners) | SubAccount.contract.in_(contracts)


def hold_open(act: Act, settings: Settings) -> list[str]:
    """While data that could be fetched cannot be, because the storage service has not followed, the time in which they
    can has not begun: its end moves."""
    lines: list[str] = []

    def look(closure_id: int) -> None:
        if not contracts_access.cannot_be_read(scope(Closure.get_by_id(closure_id))):
            return
        with write_tx():
            closure = Closure.locked(closure_id)
            if closure.state == "retrieval" and give_more_time(act, settings, closure):
                lines.append(f"closure {closure.public_id}: data cannot be fetched yet, there is more time for it")

    waiting = Closure.select(Closure.id).where(
        Closure.state == "retrieval", Closure.transition_until_at <= act.at - LATE
    )
    one_by_one.rows(act, "retrieval of closure", waiting.order_by(Closure.id), look)
    return lines


def give_more_time(act: Act, settings: Settings, closure: Closure) -> bool:
    """False when there is enough, or nothing waits for it. Call with the closure locked."""
    until_at = closing.retrieval_end(act.at, settings)
    if until_at <= closure.retrieval_until_at or not contracts_access.cannot_be_read(scope(closure)):
        return False
    before, closure.retrieval_until_at = {"until_at": closure.retrieval_until_at}, until_at
    closure.save(only=["retrieval_until_at"])
    after = {"reason": "data cannot be fetched yet", "retrieval_until_at": until_at}
    record(act, "closure.moved", closure, partner=closure.partner_id, before=before, after=after)
    return True


def scope(closure: Closure):
    """Which sub-accounts it concerns."""
    if closure.contract_id is not None:
        return SubAccount.contract == closure.contract_id
    return SubAccount.partner == closure.partner_id
