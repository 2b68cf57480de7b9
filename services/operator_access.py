"""What operators may do, and taking their access away (threats.md 2 and 28).

Who becomes manager or owner, comes back as one, or stops being an owner: of that one owner asks and another confirms.
Where there is no other owner one decides alone. Whoever else may sign in as an owner stays: the last cannot vanish.
Locks: the active owners by id, then the operator, then what was asked.
"""

from typing import Any

from models.base import locked, write_tx
from models.operator import OPERATOR_RIGHTS, Operator, OperatorRequest
from models.second_factor import TrustedDevice
from models.session import KeptForm, OneTimeLink
from services import mail, sessions, support_looks
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

PATH = "/admin/operators"
HIGH = ("manager", "owner")
Asked = OperatorRequest | None


class AccessRefused(Refusal):
    """The operator's access stays as it was."""


def set_right(act: Act, settings: Settings, operator_id: int, right: str) -> Asked:
    """Another right, or the request that waits for another owner. Who has the right already keeps it. Raises
    AccessRefused (field "right"), NotFound."""
    if right not in OPERATOR_RIGHTS:
        raise AccessRefused(N_("Choose a right from the list."), "right")
    return _want(act, settings, operator_id, "right", right)


def deactivate(act: Act, settings: Settings, operator_id: int) -> Asked:
    """Ends access, log-ins and links at once, or asks another owner to. Raises AccessRefused for oneself and for the
    last owner: nobody could add operators any more; NotFound."""
    return _want(act, settings, operator_id, "deactivate")


def activate(act: Act, settings: Settings, operator_id: int) -> Asked:
    """Gives access back, password and right as before, or asks another owner to. Raises AccessRefused, NotFound."""
    return _want(act, settings, operator_id, "activate")


def confirm(act: Act, settings: Settings, request_id: int) -> Operator:
    """The second owner: what was asked is done now. Raises AccessRefused for who asked, and where it is not possible
    any more; NotFound."""
    with write_tx():
        owners = _locked_owners()
        _refuse_others(act, owners)
        request = _open_request(request_id)
        if act.actor_id == str(request.asked_by_id):
            raise AccessRefused(N_("You asked for this yourself. Another owner has to confirm it."))
        if request.asked_by_id not in [owner.id for owner in owners]:
            raise AccessRefused(N_("Who asked for this is no owner any more. Decline it, and ask anew."))
        operator = _locked(request.operator_id)
        _refuse_last(owners, operator, request.kind, request.right)
        _end(act, request, "confirmed")
        _carry_out(act, settings, operator, request.kind, request.right)
    return operator


def decline(act: Act, settings: Settings, request_id: int) -> Operator:
    """Any owner, also who asked: it stays as it is. Raises AccessRefused, NotFound."""
    with write_tx():
        _refuse_others(act, _locked_owners())
        request = _open_request(request_id)
        operator = _locked(request.operator_id)
        _end(act, request, "declined")
        after = {"kind": request.kind, "right": request.right}
        record(act, "operator.asked_ended", operator, after=after)
        _tell_owners(act, settings, operator, "declined", request.kind, request.right)
    return operator


def waiting() -> list[OperatorRequest]:
    """What waits for another owner, the oldest first, each with the operator and who asked."""
    query: Any = OperatorRequest.select(OperatorRequest, Operator).join(Operator, on=OperatorRequest.operator)
    return list(query.where(OperatorRequest.ended_at.is_null()).order_by(OperatorRequest.id))


def sign_out(act: Act, settings: Settings, operator_id: int) -> None:
    """Ends every log-in of the operator, who may sign in again. Raises NotFound."""
    with write_tx():
        operator = _locked(operator_id)
        _cut_sessions(act, operator, "ended by an owner")
        record(act, "operator.signed_out", operator)
        _tell(act, settings, operator, "operator_access", "signed_out", "")


def second_owner(act: Act) -> bool:
    """Whether there is another owner than the one who acts, who can sign in and confirm."""
    return act.kind == "operator" and any(_can_confirm(act, owner) for owner in _owners())


def _want(act: Act, settings: Settings, operator_id: int, kind: str, right: str = "") -> Asked:
    with write_tx():
        owners = _locked_owners()
        operator = _locked(operator_id)
        if act.kind == "operator":
            _refuse_others(act, owners)
            _refuse_oneself(act, operator, kind)
        if _is_so(operator, kind, right):
            return None
        _refuse_last(owners, operator, kind, right)
        if OperatorRequest.select().where(OperatorRequest.operator == operator, _still_open()).exists():
            raise AccessRefused(N_("A change of %(name)s waits for another owner already."), name=operator.name)
        if not _needs_second(act, operator, kind, right):
            _carry_out(act, settings, operator, kind, right)
            return None
        request = OperatorRequest.create(
            operator=operator, kind=kind, right=right, asked_by=int(act.actor_id), asked_at=act.at
        )
        record(act, "operator.asked", operator, after={"kind": kind, "right": right})
        _tell_owners(act, settings, operator, "asked", kind, right)
        return request


def _needs_second(act: Act, operator: Operator, kind: str, right: str) -> bool:
    high = {
        "right": right in HIGH or operator.right == "owner",
        "deactivate": operator.right == "owner",
        "activate": operator.right in HIGH,
    }
    return high[kind] and second_owner(act)


def _is_so(operator: Operator, kind: str, right: str) -> bool:
    return operator.right == right if kind == "right" else operator.active == (kind == "activate")


def _carry_out(act: Act, settings: Settings, operator: Operator, kind: str, right: str) -> None:
    if kind == "right":
        before, operator.right = operator.right, right
        operator.save(only=["right"])
        _cut_sessions(act, operator, "role changed")
        record(act, "operator.right_changed", operator, before={"right": before}, after={"right": right})
    else:
        operator.active = kind == "activate"
        operator.save(only=["active"])
        if not operator.active:
            cut_off(act, operator)
        after = {"active": operator.active}
        record(act, f"operator.{kind}d", operator, before={"active": not operator.active}, after=after)
    _tell(act, settings, operator, "operator_access", kind, right)
    _tell_owners(act, settings, operator, "done", kind, right)


def cut_off(act: Act, operator: Operator) -> None:
    """Ends whatever the operator holds, in the caller's transaction: log-ins, looks, one-time links, devices that are
    trusted, forms that wait, and what they asked of other owners."""
    _cut_sessions(act, operator, "access taken away")
    open_link = (OneTimeLink.operator == operator) & OneTimeLink.used_at.is_null() & (OneTimeLink.expires_at > act.at)
    OneTimeLink.update(expires_at=act.at).where(open_link).execute()
    still_trusted = (TrustedDevice.operator == operator) & TrustedDevice.ended_at.is_null()
    TrustedDevice.update(ended_at=act.at).where(still_trusted).execute()
    KeptForm.delete().where(KeptForm.operator == operator).execute()
    for request in OperatorRequest.select().where(OperatorRequest.asked_by == operator, _still_open()):
        _end(act, request, "void")


def _cut_sessions(act: Act, operator: Operator, reason: str) -> None:
    support_looks.end_all(act, operator)
    sessions.end_all(act, operator, reason)


def _end(act: Act, request: OperatorRequest, outcome: str) -> None:
    request.outcome, request.ended_at = outcome, act.at
    request.ended_by_id = int(act.actor_id) if act.kind == "operator" else None
    request.save(only=["outcome", "ended_at", "ended_by"])


def _open_request(request_id: int) -> OperatorRequest:
    request = locked(OperatorRequest.select().where(OperatorRequest.id == request_id)).first()
    if request is None:
        raise NotFound
    if request.ended_at is not None:
        raise AccessRefused(N_("This was decided already."))
    return request


def _still_open() -> Any:
    return OperatorRequest.ended_at.is_null()


def _owners() -> Any:
    return Operator.select().where(Operator.right == "owner", Operator.active).order_by(Operator.id)


def _locked_owners() -> list[Operator]:
    return list(locked(_owners()))


def _locked(operator_id: int) -> Operator:
    operator = locked(Operator.select().where(Operator.id == operator_id)).first()
    if operator is None:
        raise NotFound
    return operator


def _can_confirm(act: Act, owner: Operator) -> bool:
    return bool(owner.password_hash) and act.actor_id != str(owner.id)


def _refuse_others(act: Act, owners: list[Operator]) -> None:
    """Asked again behind the lock: somebody may have acted a moment earlier."""
    if act.kind != "operator" or act.actor_id not in [str(owner.id) for owner in owners]:
        raise AccessRefused(N_("Only an owner decides about operators."))


def _refuse_oneself(act: Act, operator: Operator, kind: str) -> None:
    if act.actor_id == str(operator.id):
        if kind == "right":
            raise AccessRefused(N_("You cannot change your own right. Ask another owner."))
        raise AccessRefused(N_("You cannot take away your own access. Ask another owner."))


def _refuse_last(owners: list[Operator], operator: Operator, kind: str, right: str) -> None:
    stays = kind == "activate" or (kind == "right" and right == "owner")
    others = [owner for owner in owners if owner.id != operator.id and owner.password_hash]
    if not stays and operator.right == "owner" and operator.active and not others:
        raise AccessRefused(N_("%(name)s is the last owner. Add another owner first."), name=operator.name)


def _tell(
    act: Act, settings: Settings, operator: Operator, template: str, kind: str, right: str, **values: Any
) -> None:
    mail.queue(
        act, settings, template, to=operator.email, locale=operator.locale, path=PATH if values else "/",
        name=operator.name, kind=kind, right=right, who=act.actor_name, **values,
    )  # fmt: skip


def _tell_owners(act: Act, settings: Settings, operator: Operator, news: str, kind: str, right: str) -> None:
    """The owners but who acts and, where it is done, whom it is about: those get a mail of their own."""
    for owner in _owners():
        if act.actor_id != str(owner.id) and not (news == "done" and owner.id == operator.id):
            _tell(act, settings, owner, "operator_news", kind, right, news=news, person=operator.name)
