"""The page Security: how somebody signs in, and what else opens their account."""

from typing import Any

from flask import Blueprint, Response, current_app, flash, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, signed_in, viewer
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from models.operator import Operator
from models.partner import Member
from services import (
    factor_resets,
    passkeys,
    recovery_codes,
    second_factor,
    session_list,
    sessions,
    step_up,
    totp,
    trusted_devices,
)
from services.refusal import Refusal

bp = Blueprint("security", __name__, url_prefix="/security")


def own() -> Member | Operator:
    """Read afresh: the row of the session is as old as the request."""
    return step_up.present(viewer.session)


@bp.get("")
@signed_in
def show():
    return answer("security/show.html", **facts(own()))


def facts(person: Member | Operator) -> dict[str, Any]:
    return {
        "person": person,
        "app_on": totp.is_on(person),
        "passkeys": passkeys.of(person),
        "codes_left": recovery_codes.left(person),
        "devices": list(trusted_devices.listed_query(act(), person)),
        "reset": factor_resets.open_for(person),
        "must": second_factor.must(person),
        "log_ins": session_list.own(act(), current_app.settings, person),
        "may_ask_for_all": viewer.may(Permission.SECOND_FACTOR_REQUIRE),
        "may_reset": viewer.may(Permission.SECOND_FACTOR_RESET),
        "without": without_factor(person) if viewer.may(Permission.SECOND_FACTOR_REQUIRE) else [],
    }


def without_factor(person: Member | Operator) -> list[str]:
    """Names of those of the partner who would have to set one up."""
    members = Member.select().where(Member.partner == viewer.partner, Member.active).order_by(Member.name)
    return [member.name for member in members if not second_factor.has(member)]


@bp.get("/set-up")
@signed_in(without_factor=True)
def set_up():
    """Where everybody is led who has to have a second factor and has none."""
    person = own()
    if second_factor.has(person):
        return leave_to(url_for("security.show"))
    return answer("security/set_up.html", must=second_factor.must(person), operator=viewer.operator is not None)


@bp.post("/for-all")
@requires(Permission.SECOND_FACTOR_REQUIRE, proof=True)
def want_of_all():
    wanted = request.form.get("wanted") == "yes"
    try:
        second_factor.want_of_all(act(), current_app.settings, viewer.person, wanted)
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        on = _("From now on everybody of your company needs a second factor.")
        flash(on if wanted else _("It is everybody's own choice now."), "good")
    return leave_to(url_for("security.show"))


@bp.post("/devices/<int:device_id>/end")
@signed_in
def end_device(device_id: int):
    trusted_devices.end(act(), own(), device_id)
    flash(_("This device has to show the second factor at the next log-in."), "good")
    return leave_to(url_for("security.show"))


def added(codes: list[str], heading: str, how: str) -> Response:
    """What was set up is said, and new recovery codes are shown this once. The session has just shown the factor."""
    sessions.prove(act(), viewer.session, how, second_factor=True)
    if codes:
        return answer("security/codes.html", codes=codes, heading=heading)
    flash(heading, "good")
    return leave_to(url_for("security.show"))


from blueprints.security import app, keys, lost  # noqa: E402, F401  their pages need `bp`
