"""Areas of the portal, switched off and on again by staff, and what was switched when by whom (T5)."""

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.switch_forms import switch_form
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.partner import Partner
from services import feature_switching, features
from services.refusal import NotFound, Refusal


@bp.get("/switches")
@requires(Permission.SWITCH_VIEW)
def switches():
    return _show()


@bp.get("/switches/history")
@requires(Permission.SWITCH_VIEW)
def switch_history():
    listing = feature_switching.history(request.args.get("before", type=whole))
    return answer("admin/switch_history.html", listing=listing, **_words())


@bp.route("/switches/new", methods=["GET", "POST"])
@requires(Permission.SWITCH_CHANGE)
def switch_off():
    languages = current_app.settings.locales
    form = switch_form(languages, Partner.get_or_none(Partner.id == request.args.get("partner", type=whole)))
    if form.validate_on_submit():
        try:
            row = feature_switching.switch_off(act(), form.wish(languages), languages, form.once.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            label = _(features.known(row.area).label)
            flash(_("“%(area)s” is switched off, or will be at its time.", area=label), "good")
            return leave_to(url_for("admin.switches"))
    hints = {name: _(area.loss) for name, area in features.AREAS.items()}
    values = {"form": form, "hints": hints, "codes": languages}
    return answer("admin/switch_new.html", status=422 if form.errors else 200, **values)


@bp.post("/switches/<int:switch_id>/end")
@requires(Permission.SWITCH_CHANGE)
def switch_on(switch_id: int):
    try:
        row = feature_switching.switch_on(act(), switch_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(409, problem=words(refusal))
    flash(_("“%(area)s” is not switched off by this any more.", area=_(features.known(row.area).label)), "good")
    return leave_to(url_for("admin.switches"))


def _show(status: int = 200, **values):
    return answer(
        "admin/switches.html",
        status=status,
        has_errors="problem" in values,
        open_switches=feature_switching.open_switches(g.clock.now()),
        may_change=viewer.may(Permission.SWITCH_CHANGE),
        **_words(),
        **values,
    )


def _words() -> dict:
    """What templates need to say what a switch is."""
    return {
        "areas": {name: (_(area.label), _(area.loss)) for name, area in features.AREAS.items()},
        "text_of": lambda switch: features.text_in(switch.texts, language()),
        "is_over": feature_switching.is_over,
        "at": g.clock.now(),
    }
