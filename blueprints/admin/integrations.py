"""The list of programs of others, as the provider's staff keep it (T15)."""

from typing import cast

from flask import current_app, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, StringField, TextAreaField, URLField

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.errors import put_refusal
from blueprints.navigation import OWN_NAMES
from blueprints.partials import answer, leave_to
from models.integration import Integration
from services import integrations as kept
from services.refusal import NotFound, Refusal


class IntegrationForm(FlaskForm):
    name = StringField(_l("Name"))
    url = URLField(_l("Web address"))


def form_of(entry: Integration | None) -> FlaskForm:
    """With a sentence in each language that the portal speaks."""
    locales = current_app.settings.locales
    purposes = {
        f"purpose_{code}": TextAreaField(
            _("What it is good for (%(language)s)", language=OWN_NAMES.get(code, code)),
            default=entry.purposes.get(code, "") if entry else "",
        )
        for code in locales
    }
    form_class = cast(type[FlaskForm], type("OneIntegrationForm", (IntegrationForm,), purposes))
    return form_class(data={"name": entry.name, "url": entry.url} if entry else None)


@bp.get("/integrations")
@requires(Permission.APPLICATION_VIEW)
def integrations():
    may = viewer.may(Permission.INTEGRATION_CHANGE)
    return answer("admin/integrations.html", integrations=kept.listed(), may_change=may)


@bp.route("/integrations/new", methods=["GET", "POST"])
@requires(Permission.INTEGRATION_CHANGE)
def new_integration():
    return _edited(None)


@bp.route("/integrations/<int:integration_id>", methods=["GET", "POST"])
@requires(Permission.INTEGRATION_CHANGE)
def integration(integration_id: int):
    return _edited(kept.known(integration_id))


@bp.post("/integrations/<int:integration_id>/remove")
@requires(Permission.INTEGRATION_CHANGE)
def remove_integration(integration_id: int):
    row = kept.remove(act(), integration_id)
    flash(_("%(name)s is off the list.", name=row.name), "good")
    return leave_to(url_for("admin.integrations"))


def _edited(entry: Integration | None):
    form = form_of(entry)
    if form.validate_on_submit():
        purposes = {code: _said(form[f"purpose_{code}"]) for code in current_app.settings.locales}
        try:
            row = kept.keep(act(), entry.id if entry else None, _said(form["name"]), _said(form["url"]), purposes)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("%(name)s is on the list.", name=row.name), "good")
            return leave_to(url_for("admin.integrations"))
    return answer("admin/integration.html", status=422 if form.errors else 200, form=form, entry=entry)


def _said(field: Field) -> str:
    return field.data or ""
