"""The documents' desk: what holds, what is announced, what is being written, and the steps of a draft."""

from collections.abc import Callable

from flask import current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints import formats
from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.document_forms import StepForm, draft_form
from blueprints.consent_boxes import document_html
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from services import difference, document_desk, document_notices, document_publishing, documents
from services.document_wanted import DeskRefused, DeskStale
from services.refusal import NotFound


@bp.get("/documents")
@requires(Permission.DOCUMENT_VIEW)
def documents_desk():
    now, language = g.clock.now(), formats.language()
    held = {version.kind: version for version in documents.in_force(language, now)}
    coming = documents.announced(language, now)
    told = {(row.kind, row.label): document_notices.told(row.kind, row.label) for row in coming}
    kinds = [kind for kind in (*documents.ORDER, *sorted(held)) if kind in held or kind in {row.kind for row in coming}]
    values = {"held": held, "coming": coming, "told": told, "drafts": document_desk.drafts()}
    return answer("admin/documents.html", kinds=list(dict.fromkeys(kinds)), **values)


@bp.post("/documents/<name:kind>/draft/begin")
@requires(Permission.DOCUMENT_WRITE)
def begin_document(kind: str):
    try:
        document_desk.begin(act(), current_app.settings, kind)
    except DeskRefused as refusal:
        flash(words(refusal), "info")
    return leave_to(url_for("admin.edit_document", kind=kind))


@bp.get("/documents/<name:kind>/draft")
@requires(Permission.DOCUMENT_VIEW)
def document_draft(kind: str):
    return _draft_page(document_desk.draft(kind))


@bp.get("/documents/<name:kind>/draft/<name:language>")
@requires(Permission.DOCUMENT_VIEW)
def document_preview(kind: str, language: str):
    draft = document_desk.draft(kind)
    version = draft.rows.get(language)
    if version is None:
        raise NotFound
    return answer("admin/document_preview.html", draft=draft, version=version, text=document_html(version))


@bp.route("/documents/<name:kind>/draft/edit", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_WRITE)
def edit_document(kind: str):
    draft = document_desk.draft(kind)
    form, stale = draft_form(list(draft.rows)), None
    if not form.is_submitted():
        form.fill(draft, current_app.settings)
    elif form.validate():
        try:
            document_desk.edit(act(), current_app.settings, kind, whole(form.revision.data) or 0, form.wanted())
        except DeskRefused as refusal:
            put_refusal(form, refusal)
        except DeskStale as refusal:
            stale, form.revision.data = words(refusal), str(document_desk.draft(kind).revision)
        else:
            flash(_("The draft is saved. Partners see it only after it was approved and published."), "good")
            return leave_to(url_for("admin.document_draft", kind=kind))
    status = 409 if stale else 422 if form.errors else 200
    return answer("admin/document_edit.html", status=status, draft=draft, form=form, stale=stale)


@bp.post("/documents/<name:kind>/draft/submit")
@requires(Permission.DOCUMENT_WRITE)
def submit_document(kind: str):
    done = _("The draft waits for the approval of somebody else.")
    return _step(kind, lambda seen, _note: document_publishing.submit(act(), current_app.settings, kind, seen), done)


@bp.post("/documents/<name:kind>/draft/approve")
@requires(Permission.DOCUMENT_APPROVE)
def approve_document(kind: str):
    done = _("The draft is approved. It can be published now.")
    return _step(kind, lambda seen, _note: document_publishing.approve(act(), kind, seen), done)


@bp.post("/documents/<name:kind>/draft/send-back")
@requires(Permission.DOCUMENT_APPROVE)
def send_back_document(kind: str):
    done = _("The draft went back to its author with your note.")
    return _step(kind, lambda seen, note: document_publishing.send_back(act(), kind, seen, note), done)


@bp.post("/documents/<name:kind>/draft/publish")
@requires(Permission.DOCUMENT_APPROVE)
def publish_document(kind: str):
    done = _("The version is published. No word of it changes any more, and partners are told by mail.")
    return _step(kind, lambda seen, _note: document_publishing.publish(act(), current_app.settings, kind, seen), done)


@bp.post("/documents/<name:kind>/draft/discard")
@requires(Permission.DOCUMENT_WRITE)
def discard_document(kind: str):
    return _step(kind, lambda seen, _note: document_desk.discard(act(), kind, seen), _("The draft is discarded."))


def _step(kind: str, step: Callable[[int, str], object], done: str):
    """One step, and then the page where it shows. A draft that changed meanwhile is shown anew instead."""
    form = StepForm()
    try:
        step(whole(form.revision.data) or 0, form.note.data or "")
    except DeskStale:
        flash(_("Somebody else changed this draft meanwhile. Look at it again, then decide."), "warn")
    except DeskRefused as refusal:
        put_refusal(form, refusal)
        return _draft_page(document_desk.draft(kind), form, 422)
    else:
        flash(done, "good")
    still = kind in document_desk.drafts()
    return leave_to(url_for("admin.document_draft", kind=kind) if still else url_for("admin.documents_desk"))


def _draft_page(draft: document_desk.Draft, form: StepForm | None = None, status: int = 200):
    newest = document_desk.newest_version(draft.kind)
    before = documents.texts_of(draft.kind, newest.label)
    changes = {
        language: difference.between((before.get(language) or newest).body, row.body)
        for language, row in draft.rows.items()
    }
    operator = viewer.operator
    may_approve = operator is not None and not document_publishing.may_not_approve(draft.any, operator.id)
    form = form or StepForm(formdata=None)
    form.revision.data = str(draft.revision)
    try:
        starts_at, too_near = document_publishing.begins_at(draft.any, current_app.settings, g.clock.now()), None
    except DeskRefused as refusal:
        starts_at, too_near = draft.any.effective_at, words(refusal)
    values = {"newest": newest, "changes": changes, "may_approve": may_approve}
    values |= {"starts_at": starts_at, "too_near": too_near, "may_write": viewer.may(Permission.DOCUMENT_WRITE)}
    return answer("admin/document_draft.html", status=status, draft=draft, form=form, **values)
