"""From the first proof of who somebody is to their session: the second factor where there is one, and what a first
log-in on a device brings along. Every way to sign in ends here: password, passkey, the company's own log-in."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, g, request, session, url_for

from blueprints import known_device
from blueprints.access import act, sign_in, viewer
from blueprints.partials import leave_to
from models.operator import Operator
from models.partner import Member
from services import factor_resets, log_in, new_devices, people, second_factor, trusted_devices
from services.devices import device

HALF = "half_signed_in"
HALF_TIME = timedelta(minutes=10)


@dataclass(frozen=True)
class Half:
    """Somebody who has shown the first proof in this browser lately, and still has to show the second."""

    person: Member | Operator
    method: str
    wanted: str | None


def go_on(
    person: Member | Operator, wanted: str | None, method: str = "password", *, second_shown: bool = False
) -> Response:
    """After the first proof: asks for the second factor, or signs in. `second_shown`: the proof was two in one."""
    if second_shown:
        return complete(person, wanted, method, second_factor_at=g.clock.now())
    needed, trusted = second_factor.asked(act(), person, trust_tokens())
    if trusted is not None:
        return complete(person, wanted, method, second_factor_at=trusted.created_at, proved=False)
    if not needed:
        return complete(person, wanted, method)
    session[HALF] = {
        "person": people.id_of(person), "mark": _mark(person), "method": method, "wanted": wanted,
        "until": (g.clock.now() + HALF_TIME).isoformat(),
    }  # fmt: skip
    return leave_to(url_for("second.ask"))


def half() -> Half | None:
    """Who is half signed in in this browser; nobody once the time is over or another password was chosen."""
    kept = session.get(HALF)
    if not kept or datetime.fromisoformat(kept["until"]) <= g.clock.now():
        return None
    person = people.with_id(kept["person"])
    if person is None or kept["mark"] != _mark(person) or not log_in.may_sign_in(act(), person, current_app.settings):
        return None
    return Half(person, kept["method"], kept["wanted"])


def complete(
    person: Member | Operator,
    wanted: str | None,
    method: str,
    *,
    second_factor_at: datetime | None = None,
    proved: bool = True,
) -> Response:
    """The person is signed in. Whoever can show the factor does not want it removed; a device that is new for them is
    told by mail."""
    known = bool(known_device.number_for(person.email))
    new_devices.tell(act(), current_app.settings, person, known=known)
    if second_factor_at is not None:
        factor_resets.cancel(act(), person, "log-in")
    sign_in(person, method, second_factor_at=second_factor_at, proved=proved)
    known_device.remember(person.email)
    return leave_to(wanted or landing())


def landing() -> str:
    if viewer.operator:
        return url_for("admin.queue")
    return url_for("dashboard.show" if viewer.may_open("dashboard.show") else "application.show")


def cookie_name() -> str:
    return "__Host-portal-trust" if current_app.settings.secure_cookies else "portal-trust"


def trust_tokens() -> list[str]:
    """What this browser keeps of devices that were trusted, of a few persons."""
    return [token for token in request.cookies.get(cookie_name(), "").split(".") if token]


def trust_this_browser(person: Member | Operator) -> None:
    seen = device(str(request.user_agent))
    name = " · ".join(part for part in seen if part) or str(request.user_agent)[:60]
    token = trusted_devices.trust(act(), person, name)
    kept = ".".join([token, *trust_tokens()][: trusted_devices.MOST_IN_A_BROWSER])
    settings, cookie = current_app.settings, cookie_name()

    @after_this_request
    def put(response: Response) -> Response:
        response.set_cookie(
            cookie, kept, max_age=trusted_devices.DAYS * 86_400, httponly=True, samesite="Lax",
            secure=settings.secure_cookies,
        )  # fmt: skip
        return response


def _mark(person: Member | Operator) -> str:
    """Of the password that was shown: with another one the first proof has to be shown again."""
    return hashlib.sha256(f"half\n{person.password_hash}".encode()).hexdigest()[:32]
