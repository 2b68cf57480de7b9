"""How the storage services are doing, and the hand on what got stuck."""

from flask import current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.admin import bp, region_words
from blueprints.admin.reasons import advice, finding_advice, finding_words
from blueprints.errors import words
from blueprints.partials import answer, leave_to, wants_partial
from services import deletion_guard, provisioning_desk
from services import operators_figures as figures
from services.refusal import NotFound, Refusal


@bp.get("/storage")
@requires(Permission.STORAGE_VIEW)
def storage():
    return _show()


@bp.post("/storage/<account:number>/try-again")
@requires(Permission.STORAGE_VIEW)
def try_again(number: str):
    try:
        row = provisioning_desk.try_again(act(), number)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(422, problem=words(refusal))
    told = _(
        "%(name)s was handed back to the worker. This page shows when the storage service has followed.", name=row.name
    )
    if wants_partial():
        return _show(told=told, focus="#regions-told")
    flash(told, "good")
    return leave_to(url_for("admin.storage"))


def _show(status: int = 200, **values):
    at = g.clock.now()
    return answer(
        "admin/storage.html",
        "admin/_regions.html",
        status=status,
        regions=figures.regions(at),
        under_way=deletion_guard.under_way,
        held=deletion_guard.held,
        pending=deletion_guard.pending,
        abilities=region_words.abilities,
        alarm_title=region_words.alarm_title,
        alarm_advice=region_words.alarm_advice,
        advice=advice,
        finding_advice=finding_advice,
        finding_words=finding_words,
        at=at,
        measure_minutes=current_app.settings.measure_minutes,
        **values,
    )
