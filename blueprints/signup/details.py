"""The first steps: company, person, and everything once more to check."""

from flask import Response, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from blueprints.access import act, public, viewer
from blueprints.company_fields import hints
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to, wants_partial
from blueprints.signup.device import bp, device, draft, forget_device, page_of, remember_device, steps
from blueprints.signup_forms import CompanyForm, PersonForm
from models.partner import SignUpDraft
from services import passwords
from services.company_details import shown_phone
from services.signup import drafts


@bp.get("")
@public(area="sign_up")
def start():
    """To where this device stopped, or to the first step."""
    if viewer.is_authenticated:
        return leave_to(url_for("public.front"))
    found = draft()
    if found and drafts.next_step(found) != "sent":
        flash(_("This is what you entered before. Go on where you stopped."), "info")
    return leave_to(page_of(found))


@bp.get("/company")
@public(area="sign_up")
def company():
    """Also answers htmx, when another country is chosen: with the hints as that country writes things."""
    if wants_partial():
        return answer("signup/_hints.html", "signup/_hints.html", hints=hints(request.args.get("country")))
    found = draft()
    if found and drafts.next_step(found) == "sent":
        return leave_to(url_for("signup.sent"))
    details = found.details if found else {}
    shown = {**details, "phone": shown_phone(details.get("phone", ""))}
    return company_page(CompanyForm(formdata=None, data=shown), details)


@bp.post("/company")
@public(area="sign_up")
def save_company():
    form = CompanyForm()
    given = given_by(form)
    try:
        remember_device(drafts.keep_company(act(), current_app.settings, device(), given))
    except drafts.DetailsRefused as refusals:
        put_all(form, refusals)
        return company_page(form, given, 422)
    return leave_to(page_of(draft()))


def company_page(form: CompanyForm, details: dict, status: int = 200) -> Response:
    begun = draft() is not None
    return answer(
        "signup/company.html",
        form=form,
        hints=hints(details.get("country")),
        steps=steps("company"),
        begun=begun,
        status=status,
        private=True,
    )


@bp.get("/person")
@public(area="sign_up")
def person():
    found = draft()
    if drafts.next_step(found) in ("company", "sent"):
        return leave_to(page_of(found))
    shown = {**found.details, "person_phone": shown_phone(found.details.get("person_phone", ""))}
    return person_page(PersonForm(formdata=None, data=shown), found)


@bp.post("/person")
@public(area="sign_up")
def save_person():
    form, found = PersonForm(), draft()
    if drafts.next_step(found) in ("company", "sent"):
        return leave_to(page_of(found))
    try:
        drafts.keep_person(act(), current_app.settings, device(), given_by(form), form.password.data or "")
    except drafts.DetailsRefused as refusals:
        put_all(form, refusals)
        return person_page(form, found, 422)
    return leave_to(url_for("signup.check"))


def person_page(form: PersonForm, found: SignUpDraft, status: int = 200) -> Response:
    form.password.data = None
    return answer(
        "signup/person.html",
        form=form,
        fewest=passwords.SHORTEST,
        has_password=bool(found.password_hash),
        steps=steps("person"),
        status=status,
        private=True,
    )


@bp.get("/check")
@public(area="sign_up")
def check():
    found = draft()
    if drafts.next_step(found) != "check":
        return leave_to(page_of(found))
    relations = {choice.value: choice.label for choice in PersonForm(formdata=None).relation.choices}
    return answer(
        "signup/check.html",
        details=found.details,
        phone=shown_phone(found.details["phone"]),
        person_phone=shown_phone(found.details["person_phone"]),
        relation=relations[found.details["relation"]],
        steps=steps("check"),
        private=True,
    )


@bp.post("/restart")
@public(area="sign_up")
def restart():
    """Forgets what this device entered."""
    drafts.forget(device())
    forget_device()
    return leave_to(url_for("signup.company"))


def given_by(form: FlaskForm) -> dict[str, str]:
    return {name: value or "" for name, value in form.data.items() if name not in ("csrf_token", "password")}


def put_all(form: FlaskForm, refusals: drafts.DetailsRefused) -> None:
    for refusal in refusals.refused:
        put_refusal(form, refusal)
