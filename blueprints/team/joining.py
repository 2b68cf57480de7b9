"""The link in an invitation: GET only looks, because mail scanners open links; POST uses it up."""

from typing import cast

from flask import Response, current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints import known_device
from blueprints.access import act, public, sign_in, sign_out, viewer
from blueprints.consent_boxes import consent_form
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.team import bp
from blueprints.team.forms import JoinForm, languages
from models.team import Invitation
from models.terms import TermsVersion
from services import joining, passwords
from services.attempts import TooManyAttempts
from services.consent import ConsentMissing, ConsentStale
from services.links import LinkExpired, LinkUsed
from services.refusal import NotFound, Refusal

OVER = (NotFound, LinkUsed, LinkExpired, joining.InvitationVoid, joining.AddressTaken)


@bp.get("/invitation/<token:token>")
@public
def invitation(token: str):
    try:
        row = joining.look(current_app.settings, token, g.clock.now())
    except OVER as refusal:
        return link_over(refusal)
    return join_page(token, row, join_form(row, blank=True))


@bp.post("/invitation/<token:token>")
@public
def join(token: str):
    try:
        row = joining.look(current_app.settings, token, g.clock.now())
        form = join_form(row)
        joined = joining.accept(act(), current_app.settings, token, choice_of(form))
    except OVER as refusal:
        return link_over(refusal)
    except Refusal as refusal:
        return refused(token, row, form, refusal)
    if viewer.is_authenticated:
        sign_out()
    sign_in(joined, "invitation")
    known_device.remember(joined.email)
    flash(_("Welcome, %(name)s. You are signed in.", name=joined.name), "good")
    return leave_to(url_for("public.front"))


def texts() -> list[TermsVersion]:
    return joining.texts(language(), g.clock.now())


def join_form(row: Invitation, *, blank: bool = False) -> JoinForm:
    form = cast(JoinForm, consent_form(texts(), row.partner.legal_name, blank=blank, base=JoinForm))
    form.locale.choices = languages()
    if blank:
        form.locale.data = row.locale
    return form


def choice_of(form: JoinForm) -> joining.Choice:
    agreed, shown = form.ticked(texts()), form.shown(texts(), _("Join"), "team/join.html")
    return joining.Choice(form.name.data or "", form.password.data or "", form.locale.data or "", agreed, shown)


def refused(token: str, row: Invitation, form: JoinForm, refusal: Refusal) -> Response:
    if isinstance(refusal, ConsentStale):  # the new text, with its box not ticked; what was chosen stays
        chosen, form = form, join_form(row, blank=True)
        form.name.data, form.locale.data = chosen.name.data, chosen.locale.data
    if not isinstance(refusal, ConsentMissing):  # an unticked box has its error already
        put_refusal(form, refusal)
    too_many = isinstance(refusal, TooManyAttempts)
    response = join_page(token, row, form, 429 if too_many else 409 if isinstance(refusal, ConsentStale) else 422)
    if too_many:
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response


def join_page(token: str, row: Invitation, form: JoinForm, status: int = 200) -> Response:
    form.email.data, form.password.data = row.email, None
    values = {"row": row, "token": token, "boxes": form.boxes(texts()), "fewest": passwords.SHORTEST}
    return answer("team/join.html", form=form, status=status, private=True, **values)


def link_over(refusal: Refusal) -> Response:
    unknown = isinstance(refusal, NotFound)
    reason = None if unknown else words(refusal)
    return answer("team/link_over.html", reason=reason, status=404 if unknown else 410)
