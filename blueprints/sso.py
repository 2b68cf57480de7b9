"""Company log-in: what a partner's administrators enter of their own log-in, and who signs in with nothing else."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from models.partner import Member, Partner
from services import sso, sso_provider
from services.refusal import NotFound, Refusal

bp = Blueprint("sso", __name__, url_prefix="/company-log-in")


class ProviderForm(FlaskForm):
    issuer = StringField(
        _l("Address (issuer)"),
        [DataRequired(_l("Enter the address.")), Length(max=500, message=_l("Enter at most 500 characters."))],
    )
    client_id = StringField(
        _l("Client ID"),
        [DataRequired(_l("Enter the client ID.")), Length(max=255, message=_l("Enter at most 255 characters."))],
    )
    secret = PasswordField(_l("Client secret"), [Length(max=500, message=_l("Enter at most 500 characters."))])


class PolicyForm(FlaskForm):
    only_way = BooleanField(_l("Members with these domains sign in with it only"))
    counts_second = BooleanField(_l("A second factor that was shown there counts here"))
    acr_values = StringField(
        _l("Values of acr that say so"), [Length(max=500, message=_l("Enter at most 500 characters."))]
    )


class DomainForm(FlaskForm):
    domain = StringField(
        _l("Mail domain"),
        [DataRequired(_l("Enter a domain such as example.com.")), Length(max=260, message=_l("That is too long."))],
    )


@bp.get("")
@requires(Permission.SSO_MANAGE, proof=True)
def show():
    return page()


@bp.post("")
@requires(Permission.SSO_MANAGE, proof=True)
def configure():
    form = ProviderForm()
    if not form.validate():
        return page(422, provider_form=form)
    given = (form.issuer.data or "", form.client_id.data or "", form.secret.data or "")
    try:
        sso.configure(act(), current_app.settings, own_partner(), *given)
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(422, provider_form=form)
    flash(_("Saved. Check the connection next."), "good")
    return here()


@bp.post("/check")
@requires(Permission.SSO_MANAGE, proof=True)
def check():
    try:
        provider, number = sso.check_connection(act(), current_app.settings, own_partner())
    except Refusal as refusal:
        flash(words(refusal), "bad")
        return here()
    named = _("It names itself in its answers.") if provider.names_itself else ""
    keys = ngettext("%(num)s key for signatures was read.", "%(num)s keys for signatures were read.", number)
    flash(" ".join(text for text in (_("%(issuer)s answers.", issuer=provider.issuer), keys, named) if text), "good")
    return here()


@bp.post("/switch")
@requires(Permission.SSO_MANAGE, proof=True)
def switch():
    on = one_of("wanted", ("on", "off")) == "on"
    try:
        sso.switch(act(), current_app.settings, own_partner(), on=on)
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(_("The company log-in is on.") if on else _("The company log-in is off."), "good")
    return here()


@bp.post("/rules")
@requires(Permission.SSO_MANAGE, proof=True)
def set_policy():
    form = PolicyForm()
    if not form.validate():
        return page(422, policy_form=form)
    wanted: dict[str, Any] = {"only_way": form.only_way.data, "counts_second": form.counts_second.data}
    try:
        sso.set_policy(act(), current_app.settings, own(), **wanted, acr_values=form.acr_values.data or "")
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(422, policy_form=form)
    flash(_("The rules were saved."), "good")
    return here()


@bp.post("/domains")
@requires(Permission.SSO_MANAGE, proof=True)
def ask_domain():
    form = DomainForm()
    if not form.validate():
        return page(422, domain_form=form)
    try:
        row = sso.ask_domain(act(), own(), form.domain.data or "")
    except Refusal as refusal:
        put_refusal(form, refusal)
        return page(422, domain_form=form)
    flash(_("%(domain)s waits for our confirmation. We write to you.", domain=row.domain), "good")
    return here()


@bp.post("/domains/<int:domain_id>/remove")
@requires(Permission.SSO_MANAGE, proof=True)
def remove_domain(domain_id: int):
    sso.remove_domain(act(), own_partner(), domain_id)
    flash(_("The domain is taken away. Nobody signs in with addresses of it."), "good")
    return here()


@bp.post("/accounts/<int:link_id>/forget")
@requires(Permission.SSO_MANAGE, proof=True)
def unbind(link_id: int):
    sso.unbind(act(), own_partner(), link_id)
    flash(_("The account is bound no longer. The next log-in with this mail address binds anew."), "good")
    return here()


def page(status: int = 200, **forms: FlaskForm) -> Response:
    partner = own_partner()
    row = sso.of(partner)
    shown: dict[str, FlaskForm] = {
        "provider_form": ProviderForm(formdata=None, obj=row),
        "policy_form": PolicyForm(formdata=None, obj=row),
        "domain_form": DomainForm(formdata=None),
        **forms,
    }
    values = {
        "row": row,
        "partner": partner,
        "redirect_uri": sso.redirect_uri(current_app.settings, partner),
        "scope": sso_provider.SCOPE,
        "domains": sso.domains(partner),
        "accounts": sso.links(partner),
        "failed": next(iter(forms.values()), None),
    }
    return answer("sso/show.html", status=status, **shown, **values)


def own() -> Member:
    """Read afresh: the row of the session is as old as the request."""
    if viewer.member is None:
        raise NotFound
    return Member.get_by_id(viewer.member.id)


def own_partner() -> Partner:
    return Partner.get_by_id(viewer.partner.id)


def one_of(name: str, allowed: tuple[str, ...]) -> str:
    given = request.form.get(name, "")
    return given if given in allowed else abort(400)


def here() -> Response:
    return leave_to(url_for("sso.show"))
