"""A partner announces that it leaves, and takes that back: what its administrators do themselves (T19, T20).

Nobody has to agree, so nothing waits for a decision; it stands among the partner's requests all the same, and the
operators hear of it by mail and in their queue.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.audit import AuditEvent
from models.base import locked, write_tx
from models.change_request import ChangeRequest
from models.closure import Closure
from models.partner import Member, Partner
from services import change_requests, closing, closing_back, request_mails
from services.audit import Act, record
from services.refusal import NotFound
from services.settings import Settings

SHOWN_FOR = timedelta(days=60)  # longer than any notice
SEEN = "closure.seen"


@dataclass(frozen=True)
class News:
    """A closure that a member announced, or took back, and that no operator has looked at since."""

    closure: Closure
    since_at: datetime


def announce(act: Act, settings: Settings, partner: Partner, reason: str) -> Closure:
    """The closure of the whole partner begins; one that is open already is returned as it stands. Raises ClosureRefused
    for a reason that is too long."""
    with write_tx():
        closing.lock_scope(partner.id, None)
        standing = closing.open_for(locked(Partner.select().where(Partner.id == partner.id)).get())
        if standing is not None:
            return standing
        closure = closing.begin(act, settings, partner, reason=reason, asked_by=f"member:{act.actor_id}")
        _tell(act, settings, _listed(act, closure), closure.reason)
    return closure


def take_back(act: Act, settings: Settings, partner: Partner) -> Closure:
    """The open closure of the whole partner; one that is taken back already stays so. Raises NotFound when there was
    none, ClosureRefused once removing has begun and when staff ended the partnership."""
    with write_tx():
        closing.lock_scope(partner.id, None)
        whole = (row for row in closing.of_partner(partner) if row.contract_id is None)
        closure = closing.open_for(partner) or next(whole, None)
        if closure is None:
            raise NotFound()
        was_open = closure.open
        closure = closing_back.withdraw(act, closure, settings)
        request = _request(closure)
        if was_open and request is not None:
            _tell(act, settings, request, "")
    return closure


def news(at: datetime) -> list[News]:
    """The oldest first: announced ones during their notice, those taken back for some time, each until an operator has
    seen it. Two queries."""
    recent = Closure.select(Closure, Partner).join(Partner).where(Closure.contract.is_null(), Closure.cause == "asked")
    by_member = Closure.asked_by.startswith("member:")
    back = (Closure.state == "withdrawn") & (Closure.withdrawn_at > at - SHOWN_FOR)
    rows = {str(row.id): row for row in recent.where(by_member, (Closure.state == "notice") | back)}
    events = AuditEvent.select().where(
        AuditEvent.thing_kind == "closure",
        AuditEvent.thing_id.in_(list(rows)),
        AuditEvent.action.in_(("closure.begun", "closure.withdrawn", SEEN)),
    )
    last = {event.thing_id: event for event in events.order_by(AuditEvent.id)}
    found = [News(rows[key], event.at) for key, event in last.items() if event.actor_kind == "member"]
    return sorted(found, key=lambda one: one.since_at)


def is_news(closure: Closure, at: datetime) -> bool:
    return any(one.closure.id == closure.id for one in news(at))


def see(act: Act, public_id: str) -> Closure:
    """An operator has looked at what the member did. Raises NotFound."""
    with write_tx():
        closure = Closure.locked(closing.by_public_id(public_id).id)
        if is_news(closure, act.at):
            record(act, SEEN, closure, partner=None, after={"state": closure.state})
    return closure


def _listed(act: Act, closure: Closure) -> ChangeRequest:
    """A request that is decided from the start."""
    request = ChangeRequest.create(
        number=change_requests.new_number(),
        partner=closure.partner,
        kind="closure",
        state="approved",
        asked_by=Member.get_by_id(int(act.actor_id)),
        asked_at=act.at,
        turn_at=act.at,
        decided_at=act.at,
        decided_by=act.actor_name,
    )
    if closure.reason:
        change_requests.say(act, request, closure.reason)
    return request


def _request(closure: Closure) -> ChangeRequest | None:
    own = (ChangeRequest.partner == closure.partner_id) & ChangeRequest.contract.is_null()
    return ChangeRequest.get_or_none(own, ChangeRequest.kind == "closure", ChangeRequest.asked_at == closure.asked_at)


def _tell(act: Act, settings: Settings, request: ChangeRequest, text: str) -> None:
    request_mails.tell_operators(act, settings, request, text)
