"""The lists of requests: the partner's own, and the operators' queue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from models.change_request import REQUEST_KINDS, REQUEST_STATES, UNDECIDED, ChangeRequest, RequestMessage
from models.contract import Contract
from models.operator import Operator
from models.partner import Member, Partner
from models.prepared import ask_one
from models.sub_account import SubAccount
from services import names, request_lines

PAGE_SIZE = 50
VIEWS = ("open", "answered", "decided", "all")  # open: waits for the provider; answered: waits for the partner
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Page:
    """`after`: the id to go on from, None where the list ends."""

    rows: list[ChangeRequest]
    after: int | None


@dataclass(frozen=True)
class Line:
    """One allocation of a decrease: what was asked, what stands now, what was given (None: nothing yet).

    `gone`: why nothing of it is left to do, or was when it was decided, one of `request_lines.GONE`; else "".
    """

    number: str
    name: str
    before_bytes: int
    after_bytes: int
    below_use: bool
    now_bytes: int | None
    used_bytes: int
    measured_at: datetime | None
    given_bytes: int | None
    gone: str


def open_of(partner: Partner) -> list[ChangeRequest]:
    return list(
        _all().where(ChangeRequest.partner == partner, ChangeRequest.state.in_(UNDECIDED)).order_by(ChangeRequest.id)
    )


def decided_of(partner: Partner, *, after: int | None = None) -> Page:
    own = _all().where(ChangeRequest.partner == partner, ChangeRequest.state.not_in(UNDECIDED))
    return _page(own, ChangeRequest.id.desc(), ChangeRequest.id < after, after)


def queue(view: str = "open", kind: str = "", search: str = "", *, after: int | None = None) -> Page:
    """For operators. What is undecided comes the oldest first, what is decided the latest first."""
    query = _all()
    if view != "all":
        states = {"open": ("open",), "answered": ("answered",)}.get(view, tuple(set(REQUEST_STATES) - set(UNDECIDED)))
        query = query.where(ChangeRequest.state.in_(states))
    if kind in REQUEST_KINDS:
        query = query.where(ChangeRequest.kind == kind)
    if wanted := names.key(search[:LONGEST_SEARCH]):
        query = query.where(Partner.name_key.contains(wanted) | (ChangeRequest.number == search.strip().upper()))
    if view in ("decided", "all"):
        return _page(query, ChangeRequest.id.desc(), ChangeRequest.id < after, after)
    return _page(query, ChangeRequest.id, ChangeRequest.id > after, after)


def waiting() -> int:
    """How many wait for the provider: the menu of every operators' page says it."""
    return ask_one(_waiting)[0]


def _waiting():
    return ChangeRequest.select(fn.COUNT(ChangeRequest.id)).where(ChangeRequest.state == "open").tuples()


def answered_of(partner: Partner) -> list[ChangeRequest]:
    """What waits for an answer of the partner, the longest waiting first."""
    own = ChangeRequest.select().where(ChangeRequest.partner == partner, ChangeRequest.state == "answered")
    return list(own.order_by(ChangeRequest.turn_at))


def history(request: ChangeRequest, most: int) -> list[ChangeRequest]:
    """Other requests of the same partner, the latest first."""
    others = _all().where(ChangeRequest.partner == request.partner_id, ChangeRequest.id != request.id)
    return list(others.order_by(ChangeRequest.id.desc()).limit(most))


def conversation(request: ChangeRequest) -> list[RequestMessage]:
    """All messages with who wrote them, the oldest first."""
    with_writers = RequestMessage.select(RequestMessage, Member, Operator)
    joined: Any = with_writers.left_outer_join(Member).switch(RequestMessage).left_outer_join(Operator)
    return list(joined.where(RequestMessage.request == request).order_by(RequestMessage.id))


def lines(request: ChangeRequest) -> list[Line]:
    """The allocations of a decrease by name."""
    asked = (request.wanted or {}).get("changes", [])
    given = {one[0]: one[2] for one in (request.granted or {}).get("changes", [])}
    known = {row.number: row for row in SubAccount.select().where(SubAccount.number.in_([one[0] for one in asked]))}
    gone = (request.granted or {}).get("gone", {})
    if request.contract is not None and asked and request.undecided:
        gone = request_lines.gone_now(request, request.contract, known.values())
    found = []
    for number, before_bytes, after_bytes, below_use in asked:
        row = known[number]
        now = row.allocated_bytes if row.contract_id == request.contract_id else None
        found.append(
            Line(
                number, row.name, before_bytes, after_bytes, below_use, now, row.used_bytes, row.measured_at,
                given.get(number), gone.get(number, ""),
            )
        )  # fmt: skip
    return sorted(found, key=lambda line: (line.name.casefold(), line.number))


def _all() -> Any:
    query: Any = ChangeRequest.select(ChangeRequest, Partner, Contract).join(Partner)
    return query.switch(ChangeRequest).left_outer_join(Contract)


def _page(query: Any, order: Any, beyond: Any, after: int | None) -> Page:
    if after is not None:
        query = query.where(beyond)
    rows = list(query.order_by(order).limit(PAGE_SIZE + 1))
    return Page(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None)
