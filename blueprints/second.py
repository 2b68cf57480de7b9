"""The second half of logging in: a code, a passkey, a recovery code; and logging in with a passkey alone."""

from flask import Blueprint, Response, abort, current_app, request, session, url_for

from blueprints import known_device, signing_in
from blueprints.access import act, public, viewer
from blueprints.auth_forms import LogInForm
from blueprints.errors import put_refusal
from blueprints.headers import own_path
from blueprints.partials import answer, leave_to
from blueprints.second_forms import CodeForm, PasskeyForm
from models.operator import Operator
from models.partner import Member
from services import attempts, log_in, passkeys, recovery_codes, second_factor, sso_rules, totp
from services.refusal import Refusal

QUESTION = "passkey_question"

bp = Blueprint("second", __name__)


@bp.get("/login/second")
@public
def ask():
    half = signing_in.half()
    if half is None:
        return leave_to(url_for("auth.login"))
    return page(half.person, CodeForm(formdata=None))


@bp.post("/login/second")
@public
def check():
    half = signing_in.half()
    if half is None:
        return leave_to(url_for("auth.login"))
    form = CodeForm()
    if not form.validate():
        return page(half.person, form, 422)
    device = known_device.number_for(half.person.email)
    try:
        second_factor.check_code(act(), current_app.settings, half.person, form.code.data or "", device)
    except Refusal as refusal:
        return refused(half.person, form, refusal)
    return enter(half, trust=bool(form.trust.data))


@bp.post("/login/second/passkey")
@public
def passkey():
    half = signing_in.half()
    if half is None:
        return leave_to(url_for("auth.login"))
    form = PasskeyForm()
    try:
        answered("second", form, half.person)
    except Refusal as refusal:
        return refused(half.person, CodeForm(formdata=None), refusal)
    return enter(half, trust=form.trust.data == "y")


@bp.post("/login/passkey")
@public
def passkey_alone():
    """A passkey is two factors in one: something that one has, and a finger, a face or a number."""
    form = PasskeyForm()
    try:
        person = answered("sign_in", form)
        log_in.refuse_closed(act(), current_app.settings, person)
        sso_rules.refuse_other_ways(act(), person)
    except Refusal as refusal:
        return log_in_page(form, refusal)
    return signing_in.go_on(person, own_path(form.next.data), "passkey", second_shown=True)


@bp.post("/passkeys/question")
@public
def question():
    """What the browser asks its passkeys; which purpose needs whom is looked at again with the answer."""
    purpose, person = request.form.get("purpose", ""), None
    if purpose == "second":
        half = signing_in.half()
        person = half.person if half else None
    elif purpose == "prove" and viewer.is_authenticated:
        person = viewer.person
    if purpose not in ("sign_in", "second", "prove") or (purpose != "sign_in" and person is None):
        abort(404)
    attempts.count_of_network(act(), attempts.PASSKEY)
    return asked(passkeys.ask(act(), current_app.settings, purpose, person))


def asked(question: passkeys.Question) -> Response:
    """The question for the browser's script; the browser's session knows which it was."""
    session[QUESTION] = question.challenge_id
    return Response(question.options, mimetype="application/json")


def answered(purpose: str, form: PasskeyForm, person: Member | Operator | None = None) -> Member | Operator:
    """Whose passkey answered this browser's question. Raises TooManyAttempts, PasskeyRefused."""
    answer_text = (form.credential.data or "") if form.validate() else ""
    number = session.pop(QUESTION, 0)
    return second_factor.check_passkey(act(), current_app.settings, purpose, number, answer_text, person)


def enter(half: signing_in.Half, *, trust: bool) -> Response:
    if trust:
        signing_in.trust_this_browser(half.person)
    return signing_in.go_on(half.person, half.wanted, half.method, second_shown=True)


def refused(person: Member | Operator, form, refusal: Refusal) -> Response:
    put_refusal(form, refusal)
    return with_wait(page(person, form, 422), refusal)


def with_wait(response: Response, refusal: Refusal) -> Response:
    if isinstance(refusal, attempts.TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def log_in_page(form: PasskeyForm, refusal: Refusal) -> Response:
    again = LogInForm(formdata=None, next=own_path(form.next.data) or "")
    put_refusal(again, refusal)
    return with_wait(answer("auth/login.html", form=again, lapsed=False, status=422), refusal)


def page(person: Member | Operator, form, status: int = 200) -> Response:
    ways = {"app": totp.is_on(person), "passkey": passkeys.has(person), "codes": recovery_codes.left(person)}
    return answer("second/ask.html", form=form, ways=ways, passkey_form=PasskeyForm(formdata=None), status=status)
