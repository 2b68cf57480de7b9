"""Notices of the provider, for members: what is in force, what was, and the acknowledgement (T6)."""

from flask import Blueprint, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.areas import present, shown
from blueprints.errors import words
from blueprints.formats import language
from blueprints.headers import own_path
from blueprints.others_pages import legal_html
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.notice import Notice
from models.present import StandingNotice
from services import features, notices

bp = Blueprint("notices", __name__, url_prefix="/notices")


@bp.get("")
@requires(Permission.PORTAL_USE, least="application")
def index():
    before = request.args.get("before", type=whole)
    past, more = notices.past(viewer.member, g.clock.now(), before)
    current = present(viewer.member).notices
    return answer("notices/index.html", current=current, past=past, more=more, before=before)


@bp.get("/<int:notice_id>")
@requires(Permission.PORTAL_USE, least="application")
def show(notice_id: int):
    notice = notices.own(viewer.member, notice_id, g.clock.now())
    if not viewer.look:
        notices.note_reading(act(), viewer.member, notice)
    return page(notice, own_path(request.args.get("next")))


@bp.post("/<int:notice_id>/acknowledge")
@requires(Permission.PORTAL_USE, least="application")
def acknowledge(notice_id: int):
    leads_on = own_path(request.form.get("next"))
    shown = request.form.get("language", ""), request.form.get("sha256", "")
    try:
        notices.acknowledge(act(), viewer.member, notice_id, *shown)
    except notices.TextChanged as refusal:
        notice = notices.own(viewer.member, notice_id, g.clock.now())
        return page(notice, leads_on, status=409, problem=words(refusal))
    flash(_("Thank you. Your acknowledgement is recorded."), "good")
    return leave_to(leads_on or url_for("notices.index"))


def page(notice: Notice, leads_on: str | None, *, status: int = 200, problem: str | None = None):
    shown, at = notices.language_of(notice, language()), g.clock.now()
    stands, done = notices.stands(notice, at), notices.acknowledgement(notice, viewer.member) if notice.asks else None
    return answer(
        "notices/show.html",
        status=status,
        problem=problem,
        has_errors=problem is not None,
        notice=notice,
        language=shown,
        text=legal_html(notice.bodies[shown]),
        sha256=notices.digest(notice, shown),
        stands=stands,
        newer=notices.later_edition(notice, at),
        due=notice.asks and stands and done is None,
        done=done,
        closes=[_(features.AREAS[area].label) for area in notice.blocks if area in features.AREAS],
        leads_on=leads_on,
    )


def title(notice: Notice | StandingNotice) -> str:
    return notices.title_in(notice, language())


def switch_words(switch) -> dict[str, str]:
    """What a banner says of a switch."""
    area = features.AREAS.get(switch.area)
    return {"label": _(area.label) if area else switch.area, "text": features.text_in(switch.texts, language())}


@bp.app_context_processor
def banners() -> dict:
    """What holds for a member, on every page; operators and strangers have no banners."""
    known = viewer.is_authenticated and viewer.member
    return {
        "now_present": shown(viewer.member) if known else None,
        "notice_title": title,
        "switch_words": switch_words,
    }
