"""The log of changes to the portal, as the provider's staff write it."""

import secrets

from babel.core import Locale
from flask import current_app, flash, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired

from blueprints import formats
from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.contract_forms import DayField
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.terms import PortalChange
from services import change_log as log
from services.clock import local_day
from services.refusal import NotFound, Refusal


class ChangeForm(FlaskForm):
    """Subclassed with `text_en`, `text_de`, … for each language of the installation."""

    changed_on = DayField(_l("Day of the change"), validators=[InputRequired(_l("Enter a day."))])
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))
    revision = HiddenField()

    languages: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        return {language: self[f"text_{language}"].data or "" for language in self.languages}

    def rows(self) -> list[tuple]:
        return [(language, self[f"text_{language}"]) for language in self.languages]


@bp.get("/change-log")
@requires(Permission.DOCUMENT_VIEW)
def change_log():
    rows = [(row, *log.text_in(row, formats.language())) for row in log.listed()]
    return answer("admin/change_log.html", rows=rows)


@bp.route("/change-log/new", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_WRITE)
def new_change():
    form = _form()
    if not form.is_submitted():
        form.changed_on.data = local_day(g.clock.now(), current_app.settings.provider.time_zone)
    if form.validate_on_submit():
        try:
            log.add(act(), form.changed_on.data, form.texts(), form.once.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The entry stands in the public change log."), "good")
            return leave_to(url_for("admin.change_log"))
    return _page(form, None)


@bp.route("/change-log/<int:change_id>", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_WRITE)
def correct_change(change_id: int):
    row = log.entry(change_id)
    form = _form(row)
    if form.validate_on_submit():
        try:
            log.correct(act(), change_id, whole(form.revision.data) or 0, form.changed_on.data, form.texts())
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
            form.revision.data = str(log.entry(change_id).revision)
        else:
            flash(_("The entry is corrected. What stood there before is kept in the trail."), "good")
            return leave_to(url_for("admin.change_log"))
    elif not form.is_submitted():
        _fill(form, row)
    return _page(form, row)


def _page(form: ChangeForm, row: PortalChange | None):
    return answer("admin/change_log_entry.html", status=422 if form.errors else 200, form=form, row=row)


def _form(row: PortalChange | None = None) -> ChangeForm:
    languages = tuple(log.languages_of(current_app.settings, row))
    fields: dict = {"languages": languages}
    for language in languages:
        name = Locale.parse(language).get_language_name(formats.language()) or language
        fields[f"text_{language}"] = TextAreaField(name)
    return type("Change", (ChangeForm,), fields)()


def _fill(form: ChangeForm, row: PortalChange) -> None:
    form.changed_on.data, form.revision.data = row.changed_on, str(row.revision)
    for language, field in form.rows():
        field.data = row.texts.get(language, "")
