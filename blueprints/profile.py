"""A member's own details, mail address and password (T8, T18)."""

from flask import Blueprint, Response, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField, TelField
from wtforms.fields.choices import SelectChoice

from blueprints.access import Permission, act, public, requires, viewer
from blueprints.company_fields import NEEDED, written
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import Member
from services import links, log_in, profile
from services.company_details import shown_phone
from services.company_edit import EditRefused, EditStale
from services.refusal import NotFound, Refusal

NAMES = {"en": "English", "de": "Deutsch"}

bp = Blueprint("profile", __name__, url_prefix="/profile")


class ProfileForm(FlaskForm):
    name = StringField(_l("Your name"), render_kw=written(100, autocomplete="name", **NEEDED))
    job_title = StringField(_l("Job title"), render_kw=written(80, autocomplete="organization-title"))
    person_phone = TelField(_l("Your phone number"), render_kw=written(40, autocomplete="tel"))
    locale = SelectField(_l("Language"), validate_choice=False)
    time_zone = SelectField(_l("Time zone"), validate_choice=False)
    seen = HiddenField()


class MailForm(FlaskForm):
    email = EmailField(_l("New mail address"), render_kw=written(254, autocomplete="email", **NEEDED))
    password = PasswordField(_l("Your password"), render_kw={"autocomplete": "current-password", **NEEDED})


@bp.route("", methods=["GET", "POST"])
@requires(Permission.PROFILE_CHANGE, least="application", before_terms=True)
def show():
    member = own()
    form = profile_form(member)
    if not form.is_submitted():
        return page(form, member)
    wanted = {name: form[name].data or "" for name in profile.given(member)}
    try:
        profile.change(act(), current_app.settings, member, wanted, request.form.get("seen", ""))
    except EditStale as refusal:
        form.form_errors.append(words(refusal))
        form.seen.data = profile.worded(member)
        return page(form, member, 409)
    except EditRefused as refusals:
        for refusal in refusals.refused:
            put_refusal(form, refusal)
        return page(form, member, 422)
    flash(_("Saved."), "good")
    return leave_to(url_for("profile.show"))


@bp.route("/mail", methods=["GET", "POST"])
@requires(Permission.PROFILE_CHANGE, least="application", before_terms=True, proof=True)
def change_mail():
    form = MailForm()
    if not form.is_submitted():
        return answer("profile/mail.html", form=form, member=own())
    try:
        address, password = form.email.data or "", form.password.data or ""
        profile.ask_mail(act(), current_app.settings, own(), address, password)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return answer("profile/mail.html", form=form, member=own(), status=422)
    flash(_("We have sent a link to %(address)s. Your old address counts until you open it.", address=address), "good")
    return leave_to(url_for("profile.show"))


@bp.post("/password")
@requires(Permission.PROFILE_CHANGE, least="application", before_terms=True, proof=True)
def change_password():
    """A link to the member's own address: whoever merely sits at the open browser does not choose the password."""
    try:
        log_in.send_reset(act(), current_app.settings, own().email, own().locale)
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("We have sent you a link to choose a new password. It works for an hour."), "good")
    return leave_to(url_for("profile.show"))


@bp.route("/mail/<token:token>", methods=["GET", "POST"])
@public
def confirm_mail(token: str):
    """GET only asks, because mail scanners open links. Whoever holds the link reads the new address."""
    form = FlaskForm()
    try:
        member = profile.look_mail(act(), token)
        if not form.is_submitted():
            return answer("profile/confirm_mail.html", form=form, address=member.wanted_email)
        profile.confirm_mail(act(), current_app.settings, token)
    except (NotFound, links.LinkUsed, links.LinkExpired, profile.MailRefused) as refusal:
        unknown = isinstance(refusal, NotFound)
        reason, status = (None, 404) if unknown else (words(refusal), 410)
        return answer("profile/link_over.html", reason=reason, status=status)
    flash(_("Your new mail address counts from now on."), "good")
    return leave_to(url_for("profile.show" if viewer.is_authenticated and viewer.member else "auth.login"))


def own() -> Member:
    """Read afresh: the row of the session is as old as the request. Operators have no profile here."""
    return Member.get(Member.id == viewer.member.id)


def profile_form(member: Member) -> ProfileForm:
    given = profile.given(member)
    form = ProfileForm(data={**given, "person_phone": shown_phone(member.phone), "seen": profile.worded(member)})
    form.locale.choices = [SelectChoice(code, NAMES.get(code, code)) for code in current_app.settings.locales]
    names = profile.zones() if member.time_zone in profile.zones() else (member.time_zone, *profile.zones())
    form.time_zone.choices = [SelectChoice(name, name.replace("_", " ")) for name in names]
    return form


def page(form: ProfileForm, member: Member, status: int = 200) -> Response:
    return answer("profile/show.html", form=form, member=member, status=status)
