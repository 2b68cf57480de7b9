"""Signing in and out, and a new password. One page for members and operators; strangers learn nothing from it."""

import time

from flask import Blueprint, Response, current_app, flash, g, request, session, url_for
from flask_babel import gettext as _

from blueprints import known_device, signing_in
from blueprints.access import act, forget_viewer, public, sign_out, viewer
from blueprints.auth_forms import ForgotForm, LogInForm, NewPasswordForm
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from blueprints.signing_in import landing
from models.partner import Member
from services import links, log_in, passwords, signup
from services.attempts import TooManyAttempts
from services.refusal import NotFound, Refusal

ANSWER_SECONDS = 0.25
UNCONFIRMED = "unconfirmed_member"

bp = Blueprint("auth", __name__)


@bp.get("/login")
@public
def login():
    """Whoever is signed in already goes on; a log-in that lapsed is explained."""
    wanted = own_path(request.args.get("next"))
    if viewer.is_authenticated:
        return leave_to(wanted or landing())
    form = LogInForm(formdata=None, next=wanted or "")
    return answer("auth/login.html", form=form, lapsed="_user_id" in session)


@bp.post("/login")
@public
def enter():
    form = LogInForm()
    if not form.validate():
        return answer("auth/login.html", form=form, status=422)
    try:
        device = known_device.number_for(form.email.data)
        person = log_in.check(act(), current_app.settings, form.email.data, form.password.data, device)
    except log_in.MailNotConfirmed as waiting:
        session[UNCONFIRMED] = waiting.member.id
        return leave_to(url_for("auth.unconfirmed"))
    except Refusal as refusal:
        return refused("auth/login.html", form, refusal)
    return signing_in.go_on(person, own_path(form.next.data))


@bp.post("/logout")
@public
def logout():
    """Clears what the browser kept of this origin, so that a shared computer shows nothing afterwards (T12)."""
    if viewer.is_authenticated:
        sign_out()
    session.clear()
    response = leave_to(url_for("auth.signed_out"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.get("/signed-out")
@public
def signed_out():
    return leave_to(landing()) if viewer.is_authenticated else answer("auth/signed_out.html")


@bp.route("/login/unconfirmed", methods=["GET", "POST"])
@public
def unconfirmed():
    """Reached with the right password only: the session cookie names the member whose address waits."""
    member = Member.get_or_none(Member.id == session.get(UNCONFIRMED), Member.active)
    if member is None or member.email_confirmed_at is not None:
        session.pop(UNCONFIRMED, None)
        return leave_to(url_for("auth.login"))
    if request.method == "GET":
        return answer("auth/unconfirmed.html", email=member.email)
    try:
        signup.send_confirmation(act(), current_app.settings, member)
    except Refusal as refusal:
        return answer("auth/unconfirmed.html", email=member.email, problem=words(refusal), status=429)
    flash(_("The mail is on its way. The older link no longer works."), "good")
    return leave_to(url_for("auth.unconfirmed"))


@bp.get("/password/forgot")
@public
def forgot():
    return answer("auth/forgot.html", form=ForgotForm(formdata=None))


@bp.post("/password/forgot")
@public
def send_reset():
    """The same answer after the same time, whoever owns the address: the mail tells (threat 5)."""
    started = time.monotonic()
    form = ForgotForm()
    if not form.validate():
        return answer("auth/forgot.html", form=form, status=422)
    try:
        log_in.send_reset(act(), current_app.settings, form.email.data, language())
    except TooManyAttempts as refusal:
        return refused("auth/forgot.html", form, refusal)
    time.sleep(max(0.0, started + ANSWER_SECONDS - time.monotonic()))
    return leave_to(url_for("auth.reset_sent"))


@bp.get("/password/sent")
@public
def reset_sent():
    return answer("auth/reset_sent.html", hours=links.HOURS["reset_password"])


@bp.route("/password/reset/<token:token>", methods=["GET", "POST"])
@public
def reset(token: str):
    return choose_password("reset_password", token)


@bp.route("/operator/setup/<token:token>", methods=["GET", "POST"])
@public
def set_up(token: str):
    return choose_password("operator_setup", token)


def choose_password(purpose: str, token: str) -> Response:
    """GET only shows the form, because mail scanners open links; POST uses the link up."""
    form = NewPasswordForm()
    try:
        person = links.person_of(links.look(purpose, token, g.clock.now()))
        if form.validate_on_submit():
            log_in.choose_password(act(), current_app.settings, purpose, token, form.password.data)
            return password_chosen(person)
    except passwords.PasswordRefused as refusal:
        put_refusal(form, refusal)
    except (NotFound, links.LinkUsed, links.LinkExpired) as refusal:
        unknown = isinstance(refusal, NotFound)
        reason, status = (None, 404) if unknown else (words(refusal), 410)
        return answer("auth/link_over.html", purpose=purpose, reason=reason, status=status)
    form.email.data = person.email
    values = {"person": person, "purpose": purpose, "fewest": log_in.fewest(person)}
    return answer("auth/new_password.html", form=form, status=422 if form.is_submitted() else 200, **values)


def password_chosen(person) -> Response:
    if viewer.is_authenticated and viewer.person == person:
        forget_viewer()
    flash(_("Your new password is set. Sign in with it now."), "good")
    return leave_to(url_for("auth.login"))


def refused(page: str, form, refusal: Refusal) -> Response:
    put_refusal(form, refusal)
    response = answer(page, form=form, status=422)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response
