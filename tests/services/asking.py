"""Requests of Northwind, and what is done with them."""

from models.audit import AuditEvent
from models.change_request import ChangeRequest
from models.outbox import Mail
from services import change_requests, request_decisions, request_list
from services.allocation import Change
from tests.services.ground import TB


class Desk:
    def __init__(self, ground):
        self.ground, self.settings = ground, ground.settings

    def act(self, person=None):
        return self.ground.act(person)

    @property
    def staff(self):
        return self.act(self.ground.cast.olga)

    def lower(self, *pairs, reason="A customer leaves", **more) -> ChangeRequest:
        contract = self.ground.contract
        changes = [Change(row.number, after, more.pop("below_use", True)) for row, after in pairs]
        more.setdefault("seen_version", contract.version)
        return change_requests.ask_decrease(self.act(), self.settings, contract, changes, reason=reason, **more)

    def ask(self, kind: str, reason="We grow", **more) -> ChangeRequest:
        if kind in ("more_capacity", "contract_change"):
            more.setdefault("contract", self.ground.contract)
        partner = self.ground.cast.northwind
        return change_requests.open_request(self.act(), self.settings, partner, kind, reason=reason, **more)

    def more(self, amount_bytes=5 * TB, **more) -> ChangeRequest:
        return self.ask("more_capacity", wanted={"more_bytes": amount_bytes}, **more)

    def approve(self, request: ChangeRequest, note="", seen_version=None, **figures) -> ChangeRequest:
        wanted = {one[0]: one[2] for one in request.wanted["changes"]} | figures
        seen = seen_version or self.ground.contract.version
        return request_decisions.approve_decrease(
            self.staff, self.settings, request.number, wanted, seen_version=seen, note=note
        )

    def enlarge(self, request: ChangeRequest, amount_bytes: int, person=None) -> ChangeRequest:
        act = self.act(person or self.ground.cast.olga)
        return request_decisions.approve_capacity(act, self.settings, request.number, amount_bytes)


def fresh(request: ChangeRequest) -> ChangeRequest:
    return ChangeRequest.get_by_id(request.id)


def texts(request: ChangeRequest) -> list[str]:
    return [message.text for message in request_list.conversation(request)]


def mails(template: str) -> list[str]:
    rows = Mail.select().where(Mail.template == template).order_by(Mail.id)
    return [row.recipient.split("@")[0] for row in rows]


def actions() -> list[str]:
    rows = AuditEvent.select().where(AuditEvent.action.startswith("change_request.")).order_by(AuditEvent.id)
    return [row.action.split(".")[1] for row in rows]
