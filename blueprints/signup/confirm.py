"""The link in the mail: GET shows a button, POST uses the link up."""

from flask import Response, current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints import known_device
from blueprints.access import act, public, sign_in, sign_out, viewer
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.signup.device import bp, device
from blueprints.signup_forms import ConfirmForm
from models.partner import Member
from services import links, signup
from services.refusal import NotFound, Refusal
from services.signup import confirmation


@bp.get("/confirm/<token:token>")
@public(area="sign_up")
def confirm(token: str):
    """Only looks: mail scanners open links too."""
    try:
        member = confirmation.look(token, g.clock.now())
    except (links.LinkUsed, links.LinkExpired, NotFound) as refusal:
        return link_over(token, refusal)
    return confirm_page(token, member, ConfirmForm(formdata=None))


@bp.post("/confirm/<token:token>")
@public(area="sign_up")
def confirm_now(token: str):
    form = ConfirmForm()
    try:
        member = confirmation.look(token, g.clock.now())
        confirmation.confirm(
            act(), current_app.settings, token, device_token=device(), password=form.password.data or ""
        )
    except confirmation.PasswordWrong as refusal:
        put_refusal(form, refusal)
        return confirm_page(token, member, form, 422)
    except (links.LinkUsed, links.LinkExpired, NotFound) as refusal:
        return link_over(token, refusal)
    if viewer.is_authenticated:
        sign_out()
    sign_in(member)
    known_device.remember(member.email)
    flash(_("Your mail address is confirmed."), "good")
    return leave_to(url_for("application.show"))


@bp.post("/confirm/<token:token>/again")
@public(area="sign_up")
def confirm_again(token: str):
    """A fresh mail in place of an expired link, to the address that the link was sent to."""
    try:
        confirmation.send_anew(act(), current_app.settings, token)
    except signup.TooMany as refusal:
        return answer("signup/link_over.html", reason=words(refusal), token=None, used=False, status=429)
    flash(_("A new mail is on its way to the same address."), "good")
    return leave_to(url_for("public.front"))


def confirm_page(token: str, member: Member, form: ConfirmForm, status: int = 200) -> Response:
    known = confirmation.same_device(member, device(), g.clock.now())
    form.password.data = None
    return answer(
        "signup/confirm.html", form=form, token=token, member=member, known=known, status=status, private=True
    )


def link_over(token: str, refusal: Refusal) -> Response:
    expired, used = isinstance(refusal, links.LinkExpired), isinstance(refusal, links.LinkUsed)
    reason = (
        words(refusal)
        if expired or used
        else _("This link is not known here. It may be cut off: copy all of it from the mail.")
    )
    return answer(
        "signup/link_over.html",
        reason=reason,
        token=token if expired else None,
        used=used,
        status=410 if expired or used else 404,
    )
