"""An operator looks at a partner's pages as somebody of it who may only look: while the partner allows it, bound to one
log-in, each page on record (threats.md 28). No session of a member is made, and nothing can be changed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from models.base import locked, write_tx
from models.operator import Operator
from models.partner import Partner
from models.session import Session
from models.support import SupportAccess, SupportLook, SupportPage
from services.audit import Act, record
from services.refusal import N_, NotFound
from services.settings import Settings
from services.support_rules import SupportRefused, refuse_reason, standing, tell
from services.team_rules import lock_partners

LONGEST = timedelta(hours=1)
LONGEST_PATH = 300


def begin(act: Act, settings: Settings, operator: Operator, partner_id: int, reason: str) -> SupportLook:
    """Begins a look in the log-in that acts, for an hour at most; the partner's administrators are told by mail.
    Raises SupportRefused (field "reason"; without a field when nothing is allowed), NotFound."""
    reason = refuse_reason(reason)
    with write_tx():
        if not Partner.select().where(Partner.id == partner_id).exists():
            raise NotFound
        partner = lock_partners(partner_id)[partner_id]
        access = standing(partner_id, act.at)
        if access is None:
            raise SupportRefused(N_("The partner does not allow a look at present. Ask an administrator of it."))
        live = Session.select().where(Session.origin_hash == act.session_hash, Session.operator == operator)
        if not live.where(Session.ended_at.is_null()).exists():
            raise NotFound
        for earlier in _open().where(SupportLook.session_hash == act.session_hash):
            close(act, earlier, "left")
        look = SupportLook.create(
            access=access, operator=operator, session_hash=act.session_hash, reason=reason, begun_at=act.at,
            until_at=min(access.expires_at, act.at + LONGEST),
        )  # fmt: skip
        after = {"staff": operator.name, "reason": reason, "until_at": look.until_at}
        record(act, "support_look.begun", look, partner=partner, after=after)
        tell(act, settings, partner, "looks", who=operator.name, until_at=look.until_at, reason=reason)
    return look


def current(session_hash: str, at: datetime) -> SupportLook | None:
    """The look of this log-in that goes on, with partner and operator; None when it is over for whatever reason."""
    query = _with_partner().where(SupportLook.session_hash == session_hash, *_goes_on(at))
    return query.first()


def going_on(partner_id: int, at: datetime) -> list[SupportLook]:
    """Looks at this partner's pages at this moment, with their operators."""
    live = Session.select(Session.origin_hash).where(Session.ended_at.is_null(), Session.expires_at > at)
    own = (SupportAccess.partner == partner_id) & SupportLook.session_hash.in_(live)
    return list(_with_partner().where(own, *_goes_on(at)).order_by(SupportLook.id))


def note_page(act: Act, look: SupportLook, path: str) -> None:
    """Puts a page that is opened on record, once a minute at most, in a transaction of its own: before it is shown."""
    path, minute_at = path[:LONGEST_PATH], act.at.replace(second=0, microsecond=0)
    seen = SupportPage.select().where(
        SupportPage.look == look, SupportPage.path == path, SupportPage.minute_at == minute_at
    )
    with write_tx():
        locked(SupportLook.select().where(SupportLook.id == look.id)).get()
        if seen.exists():
            return
        SupportPage.create(look=look, path=path, minute_at=minute_at)
        after = {"page": path, "staff": look.operator.name, "reason": look.reason}
        record(act, "support_look.page", look, partner=look.access.partner_id, after=after)


def leave(act: Act, look: SupportLook, reason: str = "left") -> None:
    """The operator ends it, or signs out."""
    with write_tx():
        close(act, look, reason)


def close(act: Act, look: SupportLook, reason: str) -> bool:
    """In the caller's transaction; False when it was over already. `reason` as in models/support.py."""
    ends = {"ended_at": act.at, "end_reason": reason}
    if not SupportLook.update(ends).where(SupportLook.id == look.id, SupportLook.ended_at.is_null()).execute():
        return False
    after = {"staff": look.operator.name, "end": reason}
    record(act, "support_look.ended", look, partner=look.access.partner_id, after=after)
    return True


def open_of(access: SupportAccess) -> list[SupportLook]:
    """Those that were not ended yet, also those whose time is over."""
    return list(_open().where(SupportLook.access == access).order_by(SupportLook.id))


def end_all(act: Act, operator: Operator) -> None:
    """Ends what this operator looks at; in the caller's transaction, with the operator's sessions."""
    for look in _open().where(SupportLook.operator == operator).order_by(SupportLook.id):
        close(act, look, "signed_out")


def end_lapsed(act: Act) -> int:
    """Notes the end of looks whose time, or whose log-in, is over."""
    dead = Session.select(Session.origin_hash).where(Session.ended_at.is_null(False) | (Session.expires_at <= act.at))
    over = _open().where((SupportLook.until_at <= act.at) | SupportLook.session_hash.in_(dead))
    done = 0
    for look in list(over.order_by(SupportLook.id).limit(200)):
        with write_tx():
            done += close(act, look, "over" if look.until_at <= act.at else "signed_out")
    return done


def of_accesses(ids: Sequence[int]) -> list[SupportLook]:
    """The looks that these permissions allowed, the latest first, with their operators and pages."""
    query: Any = SupportLook.select(SupportLook, Operator).join(Operator).where(SupportLook.access.in_(list(ids)))
    return list(query.order_by(SupportLook.id.desc()))


def pages_of(looks: Sequence[SupportLook]) -> dict[int, list[str]]:
    """Which pages were opened in each of the looks, in their order, each once."""
    found: dict[int, dict[str, None]] = {look.id: {} for look in looks}
    pages = SupportPage.select().where(SupportPage.look.in_(list(found))).order_by(SupportPage.id)
    for page in pages:
        found[page.look_id][page.path] = None
    return {look: list(paths) for look, paths in found.items()}


def _open() -> Any:
    return _with_partner().where(SupportLook.ended_at.is_null())


def _with_partner() -> Any:
    query: Any = SupportLook.select(SupportLook, SupportAccess, Partner, Operator)
    return query.join(SupportAccess).join(Partner).switch(SupportLook).join(Operator)


def _goes_on(at: datetime) -> tuple[Any, ...]:
    access_stands = SupportAccess.ended_at.is_null() & (SupportAccess.expires_at > at)
    return (SupportLook.ended_at.is_null(), SupportLook.until_at > at, access_stands, Operator.active)
