"""Signing in with the company's own log-in: to its provider, and back.

What a provider sends back stands in an address (code and state). So the page it comes to shows nothing: it looks, and
leads on at once to an address that holds neither.
"""

from flask import Blueprint, Response, current_app, g, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField
from wtforms.validators import DataRequired, Length

from blueprints import signing_in
from blueprints.access import act, public, renew_token, signed_in, viewer
from blueprints.errors import put_refusal, words
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from services import sso_rules, sso_sign_in
from services.attempts import TooManyAttempts
from services.refusal import NotFound, Refusal
from services.sso_sign_in import Back, Begun

FLOW = "company_log_in"
FAILED = "company_log_in_failed"
LONGEST = 4000  # of what a provider sends; a code is some hundred characters

bp = Blueprint("sso_log_in", __name__)


@bp.app_context_processor
def offered() -> dict:
    """The way is shown to strangers once a company has it."""
    return {"company_log_ins": lambda: sso_rules.any_on(g.clock.now())}


class AddressForm(FlaskForm):
    email = EmailField(
        _l("Mail address"),
        [
            DataRequired(_l("Enter your mail address.")),
            Length(max=254, message=_l("Enter a mail address such as name@example.com.")),
        ],
    )
    next = HiddenField()


@bp.get("/login/sso")
@public(area="sso")
def ask():
    wanted = own_path(request.args.get("next"))
    if viewer.is_authenticated:
        return leave_to(wanted or signing_in.landing())
    return answer("sso/ask.html", form=AddressForm(formdata=None, next=wanted or ""))


@bp.post("/login/sso")
@public(area="sso")
def begin():
    """The answer depends on the domain alone: whether it has a log-in of its own is no secret, who is here is one."""
    form = AddressForm()
    if not form.validate():
        return answer("sso/ask.html", form=form, status=422)
    try:
        begun = sso_sign_in.begin(act(), current_app.settings, form.email.data or "")
    except Refusal as refusal:
        put_refusal(form, refusal)
        return with_wait(answer("sso/ask.html", form=form, status=422), refusal)
    return lead(begun, "sign_in", own_path(form.next.data))


@bp.post("/prove/sso")
@signed_in(without_factor=True)
def prove():
    """A step-up at the company's log-in, for who has no password here."""
    wanted = own_path(request.form.get("next"))
    if viewer.member is None:
        raise NotFound
    try:
        begun = sso_sign_in.begin_proof(act(), current_app.settings, viewer.member)
    except Refusal as refusal:
        return failed(refusal)
    return lead(begun, "prove", wanted)


@bp.get("/login/sso/<name:partner>/back")
@public
def back(partner: str):
    kept = session.pop(FLOW, None) or {}
    try:
        given = came_back(partner)
        if kept.get("purpose") == "prove":
            return proved(kept, given)
        found = sso_sign_in.finish(act(), current_app.settings, kept.get("flow", 0), given)
    except Refusal as refusal:
        return failed(refusal)
    return signing_in.go_on(found.member, kept.get("wanted"), "sso", second_shown=found.second_shown)


@bp.get("/login/sso/failed")
@public
def failed_page():
    """The reason stands in the browser's session, not in the address."""
    reason = session.get(FAILED)
    return answer("sso/failed.html", reason=reason) if reason else leave_to(url_for("auth.login"))


def lead(begun: Begun, purpose: str, wanted: str | None) -> Response:
    """To the provider over a page of our own: forms of the portal lead nowhere else (form-action 'self'), and the
    person sees where they go."""
    session.pop(FAILED, None)
    session[FLOW] = {"flow": begun.flow_id, "purpose": purpose, "wanted": wanted}
    response = answer("sso/leave.html", url=begun.url, host=begun.host)
    response.headers["Refresh"] = f"0; url={begun.url}"
    return response


def came_back(partner: str) -> Back:
    """Each value once and not too long; else it is none."""
    values = {}
    for name in ("state", "code", "iss", "error"):
        given = request.args.getlist(name)
        values[name] = given[0] if len(given) == 1 and len(given[0]) <= LONGEST else None if not given else ""
    return Back(partner, values["state"] or "", values["code"] or "", values["iss"], values["error"] or "")


def proved(kept: dict, given: Back) -> Response:
    if not viewer.is_authenticated:
        return leave_to(url_for("auth.login"))
    sso_sign_in.finish_proof(act(), current_app.settings, kept.get("flow", 0), given, viewer.session)
    renew_token()
    return leave_to(kept.get("wanted") or url_for("prove.done"))


def failed(refusal: Refusal) -> Response:
    session[FAILED] = words(refusal)
    return leave_to(url_for("sso_log_in.failed_page"))


def with_wait(response: Response, refusal: Refusal) -> Response:
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response
