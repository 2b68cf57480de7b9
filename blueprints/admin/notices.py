"""Notices as staff write, publish, correct and end them (T6)."""

from flask import current_app, flash, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.notice_facts import facts
from blueprints.admin.notice_forms import OWN_NAMES, NoticeForm, notice_form
from blueprints.errors import put_refusal, words
from blueprints.formats import language
from blueprints.others_pages import legal_html
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.notice import Notice
from services import notice_audience, notice_desk, notices
from services.refusal import NotFound, Refusal


@bp.get("/notices", endpoint="notices")
@requires(Permission.NOTICE_VIEW)
def index():
    state = request.args.get("state", "")
    listing = notice_desk.page(state, g.clock.now(), request.args.get("before", type=whole))
    values = {"listing": listing, "state": state, "may_write": viewer.may(Permission.NOTICE_WRITE), **_words()}
    return answer("admin/notices.html", "admin/_notices.html", **values)


@bp.route("/notices/new", methods=["GET", "POST"])
@requires(Permission.NOTICE_WRITE)
def new_notice():
    languages = current_app.settings.locales
    form = notice_form(languages)
    if form.validate_on_submit():
        try:
            notice = notice_desk.create(act(), form.draft(languages), form.once.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("The draft is kept. Look at it as members will, then publish it."), "good")
            return leave_to(url_for("admin.notice", notice_id=notice.id))
    return _form_page(form, url_for("admin.new_notice"))


@bp.get("/notices/<int:notice_id>")
@requires(Permission.NOTICE_VIEW)
def notice(notice_id: int):
    return _show(notice_desk.one(notice_id))


@bp.route("/notices/<int:notice_id>/edit", methods=["GET", "POST"])
@requires(Permission.NOTICE_WRITE)
def edit_notice(notice_id: int):
    languages, draft = current_app.settings.locales, notice_desk.one(notice_id)
    if draft.state != "draft":
        flash(_("This notice is published. Its text is not changed any more; correct it by a new edition."), "info")
        return leave_to(url_for("admin.notice", notice_id=notice_id))
    form = notice_form(languages, draft)
    if form.validate_on_submit():
        try:
            notice_desk.change(act(), notice_id, form.draft(languages), form.seen.data or "")
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("Saved."), "good")
            return leave_to(url_for("admin.notice", notice_id=notice_id))
    return _form_page(form, url_for("admin.edit_notice", notice_id=notice_id), draft)


@bp.post("/notices/<int:notice_id>/publish")
@requires(Permission.NOTICE_WRITE)
def publish_notice(notice_id: int):
    def publish():
        seen, languages = request.form.get("seen", ""), current_app.settings.locales
        notice_desk.publish(act(), notice_id, seen, languages)
        return _("The notice is published.")

    return _carry_out(notice_id, publish)


@bp.post("/notices/<int:notice_id>/remove")
@requires(Permission.NOTICE_WRITE)
def remove_notice(notice_id: int):
    try:
        notice_desk.remove(act(), notice_id, request.form.get("seen", ""))
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(notice_desk.one(notice_id), 409, problem=words(refusal))
    flash(_("The draft is gone."), "good")
    return leave_to(url_for("admin.notices"))


@bp.post("/notices/<int:notice_id>/end")
@requires(Permission.NOTICE_WRITE)
def end_notice(notice_id: int):
    def end():
        notice_desk.end(act(), notice_id)
        return _("The notice is over. Members find it among the past ones.")

    return _carry_out(notice_id, end)


@bp.post("/notices/<int:notice_id>/correct")
@requires(Permission.NOTICE_WRITE)
def correct_notice(notice_id: int):
    try:
        draft = notice_desk.correct(act(), notice_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(notice_desk.one(notice_id), 409, problem=words(refusal))
    return leave_to(url_for("admin.edit_notice", notice_id=draft.id))


def _carry_out(notice_id: int, change):
    try:
        told = change()
    except NotFound:
        raise
    except Refusal as refusal:
        return _show(notice_desk.one(notice_id), 409, problem=words(refusal))
    flash(told, "good")
    return leave_to(url_for("admin.notice", notice_id=notice_id))


def _show(row: Notice, status: int = 200, **values):
    """The notice as members see it, in each language, and what can be done with it."""
    texts = [
        (code, OWN_NAMES.get(code, code), row.titles[code], legal_html(row.bodies.get(code, ""))) for code in row.titles
    ]
    return answer(
        "admin/notice.html",
        status=status,
        has_errors="problem" in values,
        notice=row,
        texts=texts,
        seen=notice_desk.fingerprint(row),
        reached=notice_audience.people(row).count(),
        counted=notice_audience.counts(row) if row.asks and row.state == "published" else None,
        facts=facts(row, notice_audience.described(row)),
        may_write=viewer.may(Permission.NOTICE_WRITE),
        **_words(),
        **values,
    )


def _form_page(form: NoticeForm, action: str, draft: Notice | None = None):
    values = {"form": form, "action": action, "notice": draft, "codes": current_app.settings.locales}
    return answer("admin/notice_edit.html", status=422 if form.errors else 200, **values)


def _words() -> dict:
    """What templates need to describe a notice."""
    return {
        "state_of": lambda row: notice_desk.state_of(row, g.clock.now()),
        "title_of": lambda row: notices.title_in(row, language()),
    }
