"""Who is signed in to the customer console: own cookie, own sessions, which open nothing of the portal. Who is signed
in to the portal is nobody here."""

from typing import Any, cast

from flask import Response, current_app, g, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from blueprints.declarations import Declaration
from blueprints.partials import leave_to, wants_partial
from blueprints.standings import NotNow
from models.console import ConsoleSession, ConsoleUser
from services import console_sessions, console_standing, console_terms
from services.audit import Act
from services.standing import Standing

AREA = "console"
CLEAR = '"cache", "storage"'


class NotInConsole(NotNow):
    """The customer cannot change this at present: its partner cannot either, or the contract is over."""

    def more(self) -> dict[str, Any]:
        return {
            "title": _("Nothing can be changed here at present"),
            "text": _(
                "%(partner)s or the provider has limited what can be changed. Keys that work go on working, and you "
                "can stop them at any time. %(partner)s can tell you more.",
                partner=user().sub_account.partner.legal_name,
            ),
        }


def is_here() -> bool:
    """Whether this request is for a page of the console."""
    return request.blueprint == AREA


def gate(declared: Declaration) -> Response | None:
    """Runs within the gate of access.py, for pages that only customers open."""
    row = current()
    if row is None:
        return ask_to_sign_in()
    console_sessions.touch(row, g.clock.now())
    if not standing().reaches(declared.least or "export"):
        raise NotInConsole(standing().reason)
    if not declared.before_terms and terms().wanted:
        return leave_to(url_for("console.terms"))
    return None


def current() -> ConsoleSession | None:
    """The session of this request's console cookie, asked for once."""
    if "console_session" not in g:
        token = request.cookies.get(cookie_name(), "")
        g.console_session = console_sessions.recognise(visitor(), token) if token else None
    return g.console_session


def user() -> ConsoleUser:
    """Who is signed in, with sub-account, customer, region and partner; only behind the gate."""
    return cast(ConsoleSession, current()).user


def standing() -> Standing:
    """How much the signed-in customer may do now, asked once."""
    if "console_standing" not in g:
        g.console_standing = console_standing.of(user().sub_account, g.clock.now())
    return g.console_standing


def may_change() -> bool:
    return standing().reaches("full")


def terms() -> console_terms.Terms:
    if "console_terms" not in g:
        g.console_terms = console_terms.of(user().sub_account, str(get_locale()), g.clock.now())
    return g.console_terms


def act() -> Act:
    """This request as the one who acts."""
    row = current()
    if row is None:
        return visitor()
    return visitor(
        kind="console_user", actor_id=str(row.user.id), actor_name=row.user.name, session_hash=row.token_hash
    )


def visitor(**who: str) -> Act:
    place = {"ip": request.remote_addr or "", "user_agent": str(request.user_agent), "request_id": g.request_id}
    return Act(at=g.clock.now(), source="web", **{"kind": "visitor", **place, **who})


def ask_to_sign_in() -> Response:
    """As the portal's gate: a page leads to the log-in, a piece says 401; what this browser kept of pages goes."""
    response = leave_to(url_for("console.login"), status=401 if wants_partial() else 303)
    if request.cookies.get(cookie_name()):
        response.headers["Clear-Site-Data"] = CLEAR
    return response


def cookie_name() -> str:
    return "__Host-console" if current_app.settings.secure_cookies else "console"


def sign_in(response: Response, who: ConsoleUser, act: Act) -> Response:
    """Begins a session in a cookie of its own; forms of before do not work after it."""
    token = console_sessions.begin(act, who)
    session.pop("csrf_token", None)
    response.set_cookie(
        cookie_name(), token, httponly=True, samesite="Lax", secure=current_app.settings.secure_cookies, path="/"
    )
    return response


def forget(response: Response) -> Response:
    """This browser is nobody's in the console from here on, and keeps nothing of its pages (T12)."""
    session.pop("csrf_token", None)
    g.console_session = None
    response.delete_cookie(
        cookie_name(), httponly=True, samesite="Lax", secure=current_app.settings.secure_cookies, path="/"
    )
    response.headers["Clear-Site-Data"] = CLEAR
    return response


def acting(who: ConsoleUser) -> Act:
    """The act of who has just shown who they are."""
    return visitor(kind="console_user", actor_id=str(who.id), actor_name=who.name)
