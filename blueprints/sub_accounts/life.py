"""Pausing and resuming a sub-account, having it deleted, and restoring it: each says first what will happen."""

from collections.abc import Callable
from datetime import timedelta

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from blueprints.access import Permission, act, requires, viewer
from blueprints.errors import put_refusal, words
from blueprints.formats import when
from blueprints.partials import answer, leave_to
from blueprints.sub_accounts import bp
from models.sub_account import SubAccount
from services import sub_account_life as life
from services.refusal import NotFound, Refusal
from services.sub_account_lookup import own_sub_account


class DeleteForm(FlaskForm):
    typed = StringField(_l("Name or number"), validators=[InputRequired(_l("Type the name of the sub-account."))])


@bp.route("/<account:number>/pause", methods=["GET", "POST"])
@requires(Permission.SUB_ACCOUNT_PAUSE)
def pause(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    if request.method == "GET":
        return answer("sub_accounts/pause.html", account=account)
    told = _("%(name)s is being paused. Its data and its capacity are kept.", name=account.name)
    return carry_out(number, lambda: life.suspend(act(), viewer.partner, number), told)


@bp.post("/<account:number>/resume")
@requires(Permission.SUB_ACCOUNT_PAUSE)
def resume(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    told = _("%(name)s is being resumed. Its keys work again in a moment.", name=account.name)
    return carry_out(number, lambda: life.resume(act(), viewer.partner, number), told)


@bp.route("/<account:number>/delete", methods=["GET", "POST"])
@requires(Permission.SUB_ACCOUNT_DELETE, proof=True)
def delete(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    form = DeleteForm()
    if account.delete_after_at is not None or account.wanted_state == "deleted":
        return leave_to(url_for("sub_accounts.show", number=number))
    if form.validate_on_submit():
        try:
            row = life.delete(act(), current_app.settings, viewer.partner, number, form.typed.data)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("%(name)s will be deleted on %(when)s.", name=row.name, when=when(row.delete_after_at)), "good")
            return leave_to(url_for("sub_accounts.show", number=number))
    days = current_app.settings.deletion_days
    values = {"account": account, "form": form, "days": days, "begins_at": g.clock.now() + timedelta(days=days)}
    return answer("sub_accounts/delete.html", status=422 if form.errors else 200, **values)


@bp.post("/<account:number>/restore")
@requires(Permission.SUB_ACCOUNT_PAUSE)
def restore(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    told = _("%(name)s is restored and will not be deleted.", name=account.name)
    return carry_out(number, lambda: life.restore(act(), viewer.partner, number), told)


def carry_out(number: str, change: Callable[[], SubAccount], told: str):
    """Makes the change, or says why not, and shows the sub-account as it stands."""
    try:
        change()
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(told, "good")
    return leave_to(url_for("sub_accounts.show", number=number))
