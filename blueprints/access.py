"""Who may open what. An endpoint that declares nothing is refused.

The gate asks in one order: signed in? of this sort? what may the partner use now? terms accepted? permission?
"""

import logging
from functools import cached_property
from typing import Any, cast

from flask import Flask, Request, Response, abort, current_app, g, make_response, request, session, url_for
from flask_babel import get_locale
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from blueprints import console_gate, seeing, typed
from blueprints.areas import AREA_OF, area_of, offered
from blueprints.declarations import Declaration, level_of, public, requires, signed_in, takes_files
from blueprints.partials import leave_to, wants_partial
from blueprints.permissions import MEMBERS, OPERATORS, ROLES, Permission
from blueprints.standings import NotNow
from models.base import DATABASE_AWAY
from models.operator import Operator
from models.partner import Member, Partner
from models.session import Session
from models.support import SupportLook
from services import consent, consent_state, session_limits, sessions, standing, support_looks
from services.audit import Act
from services.uploads import LARGEST_BYTES

__all__ = ["Declaration", "Permission", "Viewer", "act", "public", "requires", "signed_in", "takes_files", "viewer"]

log = logging.getLogger("portal.web")

FORM_BYTES = 100_000  # what stands around a file


class Viewer(UserMixin):
    """The signed-in person of this request: a member of a partner or an operator. During a look (blueprints/seeing.py)
    `member` is nobody who may look at the partner's pages, and `seeing_for` the operator who does."""

    def __init__(self, token: str, row: Session, look: SupportLook | None = None):
        self._token, self.session, self.look = token, row, look
        operator = row.operator if row.operator_id else None
        self.seeing_for: Operator | None = operator if look else None
        self.operator: Operator | None = None if look else operator
        self.member: Member | None = seeing.onlooker(look) if look else row.member if row.member_id else None

    def get_id(self) -> str:
        return self._token

    @property
    def partner(self) -> Partner:
        """The member's partner; an operator has none and gets the answer for unknown things."""
        if self.member is None:
            abort(404)
        return self.member.partner

    @property
    def person(self) -> Member | Operator:
        return self.member or cast(Operator, self.operator)

    @property
    def signed_in(self) -> Member | Operator:
        """Whose log-in it is: during a look the operator's."""
        return self.seeing_for or self.person

    @property
    def role(self) -> str:
        return self.member.role if self.member else cast(Operator, self.operator).right

    @cached_property
    def standing(self) -> standing.Standing:
        """How much of the portal this person's partner may use now; operators use all of it."""
        if self.member is None:
            return standing.FULL
        consent_state.remember(self.member, g.clock.now())
        return standing.of(self.partner, g.clock.now())

    def holds(self, permission: Permission | str) -> bool:
        """Whether the role has the right, whatever the partner may do at present."""
        return Permission(permission) in seeing.RIGHTS if self.look else self.role in ROLES[Permission(permission)]

    def may(self, permission: Permission | str) -> bool:
        """Whether the role has the right and the partner can use it now: pages offer nothing that would be refused."""
        right = Permission(permission)
        if self.member is None:
            return self.holds(right)
        return self.holds(right) and self.standing.reaches(level_of(right)) and offered(AREA_OF.get(right), self.member)

    def may_open(self, endpoint: str) -> bool:
        """Whether the page of this endpoint opens for this person now; one that is not there opens for nobody."""
        declared: Declaration | None = getattr(current_app.view_functions.get(endpoint), "access", None)
        if declared is None:
            return False
        if declared.permission and not self.holds(declared.permission):
            return False
        if self.look and not seeing.shows(endpoint, declared):
            return False
        if self.member is None or declared.open_to_all:
            return True
        if not offered(area_of(endpoint, declared), self.member):
            return False
        if declared.states is not None:
            return self.partner.state in declared.states
        return self.standing.reaches(declared.level("GET"))


viewer = cast(Viewer, current_user)


def gate():
    """Runs before every request; answers itself when the person may not go on."""
    refuse_other_sites(request)
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.endpoint == "static":
        return None
    declared: Declaration | None = getattr(view, "access", None)
    if declared is None:
        return abort(401) if current_user.is_authenticated else ask_to_sign_in()
    if request.method not in seeing.READING and current_user.is_authenticated and viewer.look:
        seeing.refuse(declared)
    if declared.console:
        return console_gate.gate(declared)
    if declared.open_to_all:
        return None
    if not current_user.is_authenticated:
        return stop_asking() if declared.polled and request.htmx else ask_to_sign_in()
    if getattr(view, "takes_files", False):
        request.max_content_length = LARGEST_BYTES + FORM_BYTES
    if not declared.polled:
        sessions.touch(viewer.session, g.clock.now())
        is_page = request.method == "GET" and not request.htmx
        if is_page and viewer.session.role != session_limits.role_of(viewer.signed_in):
            renew_token()  # another role since it was given (threats.md 4)
    if viewer.look:
        seeing.refuse(declared)
    if declared.permission and not ROLES[declared.permission] & own_sort():
        return look_is_over(declared) or abort(404)
    return closed_to_partner(declared) if viewer.member else closed_to_role(declared)


def look_is_over(declared: Declaration):
    """Who looked at a partner's pages until now is led back to the desk, and told."""
    partners_page = ROLES[cast(Permission, declared.permission)] & MEMBERS
    desk = seeing.ended_by_itself() if viewer.operator and partners_page else None
    return leave_to(desk) if desk else None


def closed_to_partner(declared: Declaration):
    if declared.states is not None:
        if viewer.partner.state not in declared.states:
            return leave_to(url_for("application.show")) if request.method == "GET" else abort(403)
    elif not viewer.standing.reaches(declared.level(request.method)):
        return too_little(declared)
    if viewer.look:
        return closed_to_role(declared) or seeing.note(act(), viewer.look, declared)
    if not declared.before_terms and consent.missing_kinds(cast(Member, viewer.member), g.clock.now()):
        return leave_to(url_for("terms.accept"))
    closed_to_role(declared)
    if not declared.before_terms and not declared.polled:
        g.use = act(), cast(Member, viewer.member)
    return None


def note_use(response: Response) -> Response:
    """Going on using the portal is the answer to versions that take effect by notice (T5): a whole page that was given,
    which says so above everything. What led elsewhere, was refused, or is a piece or a file did not."""
    page = response.status_code == 200 and response.mimetype == "text/html" and request.method != "HEAD"
    used, member = g.pop("use", (None, None))
    if used is not None and page and not wants_partial():
        try:
            consent.continued(used, member, str(get_locale()))
        except DATABASE_AWAY as away:  # the page was read all the same, and the next one asks again
            log.warning("request %s: use not kept: %s", used.request_id, type(away).__name__)
    return response


def too_little(declared: Declaration):
    """Where the partner may not go at present: its own page says why; a change is refused."""
    if declared.polled and request.htmx:
        return stop_asking()
    if request.method == "GET" and not viewer.standing.reaches("read"):
        return leave_to(url_for("application.show"))
    raise NotNow(viewer.standing.reason)


def own_sort() -> frozenset[str]:
    """A person of the wrong sort learns nothing (404); one of the right sort without the right is told so (403)."""
    return MEMBERS if viewer.member else OPERATORS


def closed_to_role(declared: Declaration):
    return None if declared.permission is None or viewer.holds(declared.permission) else abort(403)


def refuse_other_sites(sent: Request) -> None:
    """Second fence behind the CSRF token: browsers say where a request came from."""
    if sent.method not in ("GET", "HEAD", "OPTIONS") and sent.headers.get("Sec-Fetch-Site", "none") not in (
        "none",
        "same-origin",
    ):
        abort(403)


def stop_asking():
    """A page that polls must not leave by itself for the log-in, unsaved figures and all: 286 ends the polling."""
    response = make_response("", 286)
    response.headers["HX-Reswap"] = "none"
    if not current_user.is_authenticated:
        response.headers["HX-Trigger"] = "signed-out"
    return response


def ask_to_sign_in():
    """Who was signed in and is not any more finds what they sent again; what this browser kept of pages goes (T12)."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not request.htmx else None
    wanted = typed.keep_of_lapsed(act()) or wanted
    response = leave_to(url_for("auth.login", next=wanted), status=401 if request.htmx else 303)
    if "_user_id" in session:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def sign_in(person: Member | Operator, method: str = "password", **proof: Any) -> None:
    """Begins a session under a fresh cookie: nothing that was there before the log-in survives it. `proof` as in
    sessions.begin; who still has to show a second factor comes here over blueprints/signing_in.py."""
    kept = {name: session[name] for name in ("language", typed.KEPT_FORM) if name in session}
    session.clear()
    session.update(kept)
    token = sessions.begin(act(), person, current_app.settings, method, **proof)
    login_user(load_viewer(token))


def renew_token() -> None:
    """This browser gets a new token for the same log-in: after a step-up, and for another role."""
    session["_user_id"] = sessions.renew(act(), viewer.session)


def sign_out() -> None:
    if viewer.look:
        support_looks.leave(act(), viewer.look, "signed_out")
    sessions.end(act(), viewer.session)
    logout_user()
    session.clear()


def forget_viewer() -> None:
    """For whom every session was ended already: from here on this browser is nobody's."""
    logout_user()


def load_viewer(token: str) -> Viewer | None:
    if console_gate.is_here():  # who is signed in to the portal is nobody there
        return None
    row = sessions.recognise(token, g.clock.now(), current_app.settings)
    if row is None:
        return None
    return Viewer(token, row, support_looks.current(row.origin_hash, g.clock.now()) if row.operator_id else None)


def act() -> Act:
    """This request as the one who acts: person, time, source."""
    known = current_user.is_authenticated
    return Act(
        at=g.clock.now(),
        kind=("operator" if viewer.seeing_for or viewer.operator else "member") if known else "visitor",
        actor_id=str(viewer.signed_in.id) if known else "",
        actor_name=viewer.signed_in.name if known else "",
        source="web",
        ip=request.remote_addr or "",
        user_agent=str(request.user_agent),
        request_id=g.request_id,
        session_hash=viewer.session.origin_hash if known else "",
    )


def init_app(app: Flask) -> None:
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)
    # there are no remember-me cookies here, and looking for one would tie each static file to the session
    app.after_request_funcs[None].remove(manager._update_remember_cookie)
    manager.session_protection = None  # phones change their address; the session row is what counts
    manager.user_loader(load_viewer)
    app.before_request(gate)
    app.teardown_request(seeing.write_again)
    app.after_request(note_use)
