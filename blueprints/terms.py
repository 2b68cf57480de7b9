"""Legal documents: the public archive, permalinks, acceptance by an administrator, receipts (T1, T18, T22)."""

from babel.core import Locale
from flask import Blueprint, Response, abort, current_app, flash, g, render_template, url_for
from flask_babel import gettext as _

from blueprints import formats
from blueprints.access import Permission, act, public, signed_in, viewer
from blueprints.consent_boxes import consent_form, document_html
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from models.partner import Member
from models.terms import Acceptance, TermsVersion
from services import consent, documents

bp = Blueprint("terms", __name__, url_prefix="/terms")


@bp.get("")
@public
def index():
    now = g.clock.now()
    archive = documents.archive(formats.language(), now)
    in_force = {kind: documents.label_in_force(entries, now) for kind, entries in archive.items()}
    updated_at = documents.last_update(documents.in_force(formats.language(), now))
    return answer("terms/index.html", archive=archive, in_force=in_force, updated_at=updated_at, now=now)


@bp.get("/<name:kind>/<name:label>/<name:language>")
@public
def show(kind: str, label: str, language: str):
    version = documents.permalink(kind, label, language)
    now = documents.current(kind, language, g.clock.now())
    return answer(
        "terms/show.html",
        version=version,
        text=document_html(version),
        others=documents.other_languages(version),
        in_force=now is not None and now.label == version.label,
        newer=now if now is not None and now.effective_at > version.effective_at else None,
    )


@bp.get("/<name:kind>/<name:label>/<name:language>.txt")
@public
def text(kind: str, label: str, language: str):
    """Exactly the bytes whose SHA-256 the page and the evidence name."""
    version = documents.permalink(kind, label, language)
    return download(version.body.encode(), f"{version.kind}-{version.label}-{version.language}.txt")


@bp.get("/accept")
@signed_in
def accept():
    member = own_member()
    missing = consent.missing(member, formats.language(), g.clock.now())
    if not missing:
        return leave_to(url_for("public.front"))
    return accept_page(missing)


@bp.post("/accept")
@signed_in
def accept_now():
    """Only an administrator binds the company; a text that changed meanwhile is shown anew (409)."""
    member = own_member()
    if not viewer.may(Permission.TERMS_ACCEPT):
        abort(403)
    missing = consent.missing(member, formats.language(), g.clock.now())
    form = consent_form(missing, viewer.partner.legal_name)
    agreed, shown = form.ticked(missing), form.shown(missing, _("Agree and continue"))
    if len(agreed) < len(missing) or not form.authority.data:
        if not form.authority.data:
            form.authority.errors = [_("Only someone who may bind the company can agree. Tick this box too.")]
        return accept_page(missing, form, status=422)
    try:
        consent.accept(act(), member, agreed, shown=shown, declared_authority=True, settings=current_app.settings)
    except consent.ConsentStale as refusal:
        return accept_page(consent.missing(member, formats.language(), g.clock.now()), stale=words(refusal), status=409)
    flash(_("Thank you. The receipt is on its way by mail."), "good")
    return leave_to(url_for("public.front"))


def accept_page(missing: list[TermsVersion], form=None, *, stale: str | None = None, status: int = 200) -> Response:
    may = viewer.may(Permission.TERMS_ACCEPT)
    form = form or consent_form(missing, viewer.partner.legal_name, blank=True)
    boxes = form.boxes(missing)
    return answer("terms/accept.html", form=form, boxes=boxes, stale=stale, may_accept=may, status=status)


@bp.get("/mine")
@signed_in
def own():
    now = g.clock.now()
    return answer(
        "terms/own.html", receipts=consent.receipts(own_member()), versions=documents.in_force(formats.language(), now)
    )


@bp.get("/mine/<int:acceptance_id>.txt")
@signed_in
def receipt(acceptance_id: int):
    row = consent.receipt(own_member(), acceptance_id)
    written = render_template("terms/receipt.txt", row=row, version=row.version) + "\n"
    return download(written.encode(), receipt_name(row))


@bp.app_template_filter("language_name")
def language_name(code: str) -> str:
    return Locale.parse(code).get_language_name(formats.language()) or code


@bp.app_template_filter("kind_name")
def kind_name(kind: str) -> str:
    names = {
        "portal_terms": _("Terms of the portal"),
        "data_processing": _("Data-processing agreement"),
        "acceptable_use": _("Acceptable use policy"),
        "privacy_notice": _("Privacy notice"),
        "flow_down": _("Terms for end customers"),
    }
    return names.get(kind, kind)


def own_member() -> Member:
    """Operators accept nothing here: for them there is no such page."""
    return viewer.member or abort(404)


def receipt_name(row: Acceptance) -> str:
    return f"receipt-{row.version.kind}-{row.version.label}-{row.accepted_at:%Y-%m-%d}.txt"


def download(content: bytes, name: str) -> Response:
    response = Response(content, mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
