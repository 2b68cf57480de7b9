"""Legal documents: the public archive, permalinks, acceptance by an administrator, receipts (T1, T18, T22)."""

from datetime import date, datetime

from babel.core import Locale
from flask import Blueprint, Response, abort, current_app, flash, g, render_template, request, url_for
from flask_babel import gettext as _

from blueprints import formats
from blueprints.access import act, public, signed_in, viewer
from blueprints.consent_boxes import consent_form, document_html, ways_out
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from blueprints.terms_news import news, unfolded
from blueprints.whole_numbers import whole
from models.partner import Member
from models.terms import Acceptance, TermsVersion
from services import consent, consent_objections, consent_receipts, difference, documents
from services.clock import due_day, local_day
from services.refusal import NotFound

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
        before=documents.label_before(version),
        in_force=now is not None and now.label == version.label,
        newer=now if now is not None and now.effective_at > version.effective_at else None,
    )


@bp.get("/<name:kind>/<name:label>/changes")
@public
def changes(kind: str, label: str):
    """What is different from the version before, or from the one that `from` names, in a language that both have."""
    after = documents.texts_of(kind, label)
    some = next(iter(after.values()))
    labels = [entry.label for entry in documents.archive(formats.language(), g.clock.now())[kind]]
    earlier = request.args.get("from") or documents.label_before(some) or label
    before = documents.texts_of(kind, earlier) if earlier in labels else {}
    both = sorted(after.keys() & before.keys())
    wanted = (request.args.get("language"), formats.language(), some.binding, *both)
    language = next((code for code in wanted if code in both), None)
    if language is None:
        raise NotFound
    found = difference.between(before[language].body, after[language].body)
    values = {"before": before[language], "version": after[language], "shared": both, "labels": labels}
    return answer("terms/changes.html", found=found, **values)


@bp.get("/<name:kind>/<name:label>/<name:language>.txt")
@public
def text(kind: str, label: str, language: str):
    """Exactly the bytes whose SHA-256 the page and the evidence name."""
    version = documents.permalink(kind, label, language)
    return download(version.body.encode(), f"{version.kind}-{version.label}-{version.language}.txt")


@bp.get("/accept")
@signed_in(proof=True)
def accept():
    member = own_member()
    asked = consent.missing(member, formats.language(), g.clock.now())
    if not asked:
        return leave_to(url_for("public.front"))
    consent.viewed(act(), member, consent.for_member(member, asked))
    return accept_page(member, asked)


@bp.post("/accept")
@signed_in(proof=True)
def accept_now():
    """Only an administrator binds the company, each member reads what is personal; a text that changed meanwhile is
    shown anew (409)."""
    member = own_member()
    asked = consent.missing(member, formats.language(), g.clock.now())
    own = consent.for_member(member, asked)
    if asked and not own:
        abort(403)
    form = consent_form(own, viewer.partner.legal_name)
    agreed, shown = form.ticked(own), form.shown(own, _("Agree and continue"), "terms/accept.html")
    if len(agreed) < len(own) or not form.has_authority():
        return accept_page(member, asked, form, status=422)
    try:
        consent.accept(act(), member, agreed, shown=shown, declared_authority=form.bound, settings=current_app.settings)
    except consent.ConsentStale as refusal:
        asked = consent.missing(member, formats.language(), g.clock.now())
        return accept_page(member, asked, stale=words(refusal), status=409)
    flash(_("Thank you. The receipt is on its way by mail."), "good")
    return leave_to(url_for("public.front"))


def accept_page(
    member: Member, asked: list[TermsVersion], form=None, *, stale: str | None = None, status: int = 200
) -> Response:
    own = consent.for_member(member, asked)
    form = form or consent_form(own, viewer.partner.legal_name, blank=True)
    return answer(
        "terms/accept.html",
        form=form,
        boxes=form.boxes(own),
        waiting=[version for version in asked if version not in own],
        administrators=consent.administrators(viewer.partner),
        stale=stale,
        now=g.clock.now(),
        with_changes=True,
        status=status,
    )


@bp.get("/decline")
@signed_in
def decline():
    return decline_page(own_member())


@bp.post("/decline")
@signed_in
def decline_now():
    """`version` names one that takes effect by continued use; without it, it is about all that need a click."""
    member, named = own_member(), request.form.get("version", type=whole)
    if named is not None:
        return object_to(member, named)
    asked = consent.for_member(member, consent.missing(member, formats.language(), g.clock.now()))
    if not asked:
        return leave_to(url_for("public.front"))
    consent.decline(act(), member, asked)
    return decline_page(member, done=True)


def object_to(member: Member, version_id: int) -> Response:
    """A second click finds the objection and says so again."""
    offered = consent_objections.open_to(member, formats.language(), g.clock.now())
    version = next((row for row in offered if row.id == version_id), None)
    if version is not None:
        consent.decline(act(), member, [version])
    objected = version or consent_objections.given(member, version_id)
    return decline_page(member, objected=objected) if objected else leave_to(url_for("public.front"))


def decline_page(member: Member, *, done: bool = False, objected: TermsVersion | None = None) -> Response:
    asked = consent.for_member(member, consent.missing(member, formats.language(), g.clock.now()))
    by_use = consent_objections.open_to(member, formats.language(), g.clock.now())
    if not (asked or by_use or objected):
        return leave_to(url_for("public.front"))
    stopped = consent.missing_kinds(member, g.clock.now())
    values = {"by_use": by_use, "objected": objected, "done": done, "ways": ways_out()}
    return answer("terms/decline.html", asked=asked, stopped=stopped, **values)


@bp.get("/mine")
@signed_in
def own():
    now = g.clock.now()
    rows = consent_receipts.receipts(own_member())
    in_force = documents.in_force(formats.language(), now)
    objected = consent_objections.made(own_member(), formats.language(), now)
    return answer("terms/own.html", receipts=rows, versions=in_force, objected=objected)


@bp.get("/mine/<int:acceptance_id>.txt")
@signed_in
def receipt(acceptance_id: int):
    row = consent_receipts.receipt(own_member(), acceptance_id)
    written = render_template("terms/receipt.txt", row=row, version=row.version) + "\n"
    return download(written.encode(), receipt_name(row))


@bp.get("/mine/<int:acceptance_id>.pdf")
@signed_in
def receipt_pdf(acceptance_id: int):
    """As it was mailed."""
    row = consent_receipts.receipt(own_member(), acceptance_id)
    name, content = consent_receipts.pdf_of(current_app.settings, own_member(), row)
    return download(content, name, "application/pdf")


@bp.app_context_processor
def news_of_terms() -> dict:
    found = news()
    return {"terms_news": found, "terms_news_open": unfolded(found)}


@bp.app_template_filter("language_name")
def language_name(code: str) -> str:
    return Locale.parse(code).get_language_name(formats.language()) or code


@bp.app_template_filter("provider_day")
def provider_day(at: datetime) -> date:
    """The day at the provider's place: versions come into force with it, wherever the reader is."""
    return local_day(at, current_app.settings.provider.time_zone)


@bp.app_template_filter("due_day")
def last_day_of(at: datetime) -> date:
    """The last day at the provider's place on which there is time until then."""
    return due_day(at, current_app.settings.provider.time_zone)


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


def download(content: bytes, name: str, media_type: str = "text/plain") -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
