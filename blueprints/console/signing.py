"""Signing in to the console and out of it, and a password by a link. Strangers learn nothing from these pages."""

import time
from datetime import datetime, timedelta

from flask import Response, current_app, flash, g, request, session, url_for
from flask_babel import gettext as _

from blueprints import console_gate, known_device
from blueprints.console import bp
from blueprints.console.forms import ChooseForm, ForgotForm, LogInForm
from blueprints.console_gate import act, current
from blueprints.declarations import console_page, public
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.console import ConsoleUser
from services import console_links, console_log_in, console_sessions, passwords
from services.attempts import TooManyAttempts
from services.links import LinkExpired, LinkUsed
from services.refusal import NotFound, Refusal

ANSWER_SECONDS = 0.25
CHOICE = "console_choice"  # whose password was right in this browser lately, where it opens several sub-accounts
CHOICE_TIME = timedelta(minutes=10)


@bp.get("/login")
@public(area="console")
def login():
    if current() is not None:
        return leave_to(url_for("console.home"))
    lapsed = bool(request.cookies.get(console_gate.cookie_name()))
    return answer("console/login.html", form=LogInForm(formdata=None), lapsed=lapsed)


@bp.post("/login")
@public(area="console")
def enter():
    form = LogInForm()
    if not form.validate():
        return answer("console/login.html", form=form, status=422)
    try:
        device = known_device.number_for(console_log_in.device_address(form.email.data))
        able = console_log_in.check(act(), form.email.data, form.password.data, device)
    except Refusal as refusal:
        return refused("console/login.html", form, refusal)
    if len(able) == 1:
        return enter_as(able[0])
    marks = {str(user.id): console_log_in.mark(user) for user in able}
    session[CHOICE] = {"marks": marks, "until": (g.clock.now() + CHOICE_TIME).isoformat()}
    return leave_to(url_for("console.choose"))


@bp.route("/login/choose", methods=["GET", "POST"])
@public(area="console")
def choose():
    """Reached with the right password only: the session cookie names the sub-accounts that it opens."""
    able = shown()
    if not able:
        session.pop(CHOICE, None)
        return leave_to(url_for("console.login"))
    if request.method == "POST":
        wanted = whole(request.form.get("user", ""))
        chosen = next((user for user in able if user.id == wanted), None)
        if chosen is not None:
            return enter_as(chosen)
    return answer("console/choose.html", users=able)


def shown() -> list[ConsoleUser]:
    """Who was shown to be here, while their passwords are the same and their access holds."""
    kept = session.get(CHOICE)
    if not kept or datetime.fromisoformat(kept["until"]) <= g.clock.now():
        return []
    able = console_log_in.with_ids([int(number) for number in kept["marks"]])
    return [user for user in able if console_log_in.mark(user) == kept["marks"][str(user.id)]]


def enter_as(user: ConsoleUser) -> Response:
    session.pop(CHOICE, None)
    if "language" not in session:
        session["language"] = user.locale
    known_device.remember(console_log_in.device_address(user.email))
    response = leave_to(url_for("console.home"))
    return console_gate.sign_in(response, user, console_gate.acting(user))


@bp.post("/logout")
@console_page(before_terms=True, area=None)
def log_out():
    row = current()
    if row is not None:
        console_sessions.end(act(), row, "logged out")
    return console_gate.forget(leave_to(url_for("console.signed_out")))


@bp.get("/signed-out")
@public
def signed_out():
    return leave_to(url_for("console.home")) if current() else answer("console/signed_out.html")


@bp.get("/password/forgot")
@public(area="console")
def forgot():
    return answer("console/forgot.html", form=ForgotForm(formdata=None))


@bp.post("/password/forgot")
@public(area="console")
def send_reset():
    """The same answer after the same time, whoever owns the address: the mail tells (threat 5)."""
    started = time.monotonic()
    form = ForgotForm()
    if not form.validate():
        return answer("console/forgot.html", form=form, status=422)
    try:
        console_log_in.send_reset(act(), current_app.settings, form.email.data, language())
    except TooManyAttempts as refusal:
        return refused("console/forgot.html", form, refusal)
    time.sleep(max(0.0, started + ANSWER_SECONDS - time.monotonic()))
    return leave_to(url_for("console.reset_sent"))


@bp.get("/password/sent")
@public(area="console")
def reset_sent():
    return answer("console/reset_sent.html", hours=console_links.HOURS["reset"])


@bp.route("/password/<token:token>", methods=["GET", "POST"])
@public(area="console")
def by_link(token: str):
    """GET only shows the form, because mail scanners open links; POST uses the link up."""
    form = ChooseForm()
    try:
        link = console_links.look(token, g.clock.now())
        if form.validate_on_submit():
            console_log_in.choose_password(act(), current_app.settings, token, form.password.data)
            flash(_("Your password is set. Sign in with it now."), "good")
            return leave_to(url_for("console.login"))
    except (passwords.PasswordRefused, TooManyAttempts) as refusal:
        put_refusal(form, refusal)
    except (NotFound, LinkUsed, LinkExpired) as refusal:
        unknown = isinstance(refusal, NotFound)
        reason, status = (None, 404) if unknown else (words(refusal), 410)
        return answer("console/link_over.html", reason=reason, status=status)
    form.email.data = link.user.email
    values = {"link": link, "account": link.user.sub_account, "fewest": passwords.SHORTEST}
    return answer("console/new_password.html", form=form, status=422 if form.is_submitted() else 200, **values)


def refused(page: str, form, refusal: Refusal, **values) -> Response:
    put_refusal(form, refusal)
    response = answer(page, form=form, status=422, **values)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response
