"""Who is told by mail what was written about a request and how it ended."""

from models.change_request import ChangeRequest, RequestMessage
from models.operator import Operator
from models.partner import Member
from services import mail
from services.audit import Act
from services.refusal import N_
from services.settings import Settings

DECIDERS = ("manager", "owner")
KINDS = {
    "decrease": N_("Lower allocations"),
    "more_capacity": N_("More capacity"),
    "contract_change": N_("Change of a contract"),
    "closure": N_("Closure"),
    "correction": N_("Correction"),
}


def tell_operators(act: Act, settings: Settings, request: ChangeRequest, text: str) -> None:
    """To those who wrote in it, else to all who decide. `text` is empty when the partner withdrew."""
    active = Operator.select().where(Operator.active).order_by(Operator.id)
    wrote = RequestMessage.select(RequestMessage.operator).where(RequestMessage.request == request)
    people = list(active.where(Operator.id.in_(wrote.where(RequestMessage.operator.is_null(False)))))
    for person in people or active.where(Operator.right.in_(DECIDERS)):
        _queue(act, settings, request, person, "request_to_operator", f"/admin/requests/{request.number}", text)


def tell_members(act: Act, settings: Settings, request: ChangeRequest, text: str) -> None:
    """To the members who wrote in it and are still there, else to the administrators."""
    active = Member.select().where(Member.partner == request.partner_id, Member.active).order_by(Member.id)
    wrote = RequestMessage.select(RequestMessage.member).where(RequestMessage.request == request)
    people = list(active.where(Member.id.in_(wrote.where(RequestMessage.member.is_null(False)))))
    for person in people or active.where(Member.role == "admin"):
        _queue(act, settings, request, person, "request_to_member", f"/requests/{request.number}", text)


def _queue(act, settings, request, person: Operator | Member, template: str, path: str, text: str) -> None:
    mail.queue(
        act,
        settings,
        template,
        to=person.email,
        locale=person.locale,
        of_partner=request.partner_id,
        path=path,
        name=person.name,
        number=request.number,
        company=request.partner.legal_name,
        kind=KINDS[request.kind],
        state=request.outcome,
        first=request.asked_at == act.at,
        who=act.actor_name,
        text=text,
    )
