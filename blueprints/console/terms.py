"""The terms for end customers in the console: read, agreed to or refused, with the evidence of that (T2)."""

from flask import Response, current_app, flash, url_for
from flask_babel import gettext as _

from blueprints import console_gate, formats
from blueprints.consent_boxes import document_html
from blueprints.console import bp
from blueprints.console.forms import AgreeForm, DeclineForm
from blueprints.console_gate import act, user
from blueprints.declarations import console_page
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.terms import TermsVersion
from services import console_terms, documents
from services.attempts import TooManyAttempts
from services.flow_down import FlowDownRefused
from services.flow_down_answers import Answer, TextStale
from services.refusal import Refusal


@bp.get("/terms")
@console_page(before_terms=True, area=None)
def terms():
    return page()


@bp.post("/terms")
@console_page(before_terms=True, area=None)
def answer_terms():
    form, who = AgreeForm(), user()
    if console_gate.terms().agreed:
        return settled()
    version = TermsVersion.get_or_none(id=whole((form.seen.data or "").partition(":")[0]) or 0, kind="flow_down")
    form.agree.label.text = box_text(version)
    if not form.validate():
        return page(form, status=422)
    try:
        said = answered(form, company=form.company.data, box=form.agree.label.text)
        console_terms.accept(act(), current_app.settings, who, said)
    except Refusal as refusal:
        return refused(form, refusal)
    flash(_("Thank you, that is recorded. The receipt with the whole text goes to you by mail."), "good")
    return leave_to(url_for("console.home"))


@bp.post("/terms/decline")
@console_page(before_terms=True, area=None)
def decline_terms():
    form = DeclineForm()
    if console_gate.terms().agreed:
        return settled()
    if not form.validate():
        return page(refusing=form, status=422)
    try:
        console_terms.decline(act(), current_app.settings, user(), answered(form, reason=form.reason.data or ""))
    except Refusal as refusal:
        return refused(form, refusal)
    return leave_to(url_for("console.terms"))


def settled() -> Response:
    flash(_("These terms were agreed to already. Nothing more is needed."), "info")
    return leave_to(url_for("console.terms"))


def page(
    form: AgreeForm | None = None, refusing: DeclineForm | None = None, *, stale: str = "", status: int = 200
) -> Response:
    """The text in force, what was answered, and the forms that were sent or fresh ones, whose box is empty."""
    found, account = console_gate.terms(), user().sub_account
    form = form or AgreeForm(formdata=None, company=account.customer.name)
    refusing = refusing or DeclineForm(formdata=None)
    version = found.version
    if version is not None:
        form.seen.data = refusing.seen.data = f"{version.id}:{version.sha256}"
        form.agree.label.text = box_text(version)
    return answer(
        "console/terms.html",
        status=status,
        terms=found,
        account=account,
        form=form,
        refusing=refusing,
        has_errors=bool(form.errors or refusing.errors),
        stale=stale,
        text=document_html(version) if version else "",
        binding=documents.BINDING,
    )


def box_text(version: TermsVersion | None) -> str:
    title, label = (version.title, version.label) if version else ("", "")
    return _(
        "I agree to the document “%(title)s”, version %(label)s, and may do so for %(company)s.",
        title=title,
        label=label,
        company=user().sub_account.customer.name,
    )


def answered(form: AgreeForm | DeclineForm, *, company: str = "", reason: str = "", box: str = "") -> Answer:
    """With the exact words of this page, for the evidence."""
    version_id, _colon, sha256 = (form.seen.data or "").partition(":")
    button = _("Agree") if box else _("I do not agree")
    shown = {"box": box, "button": button, "boxes_before": "empty", "page_language": formats.language()}
    return Answer(whole(version_id) or 0, sha256, company, user().name, shown, reason)


def refused(form: AgreeForm | DeclineForm, refusal: Refusal) -> Response:
    """Why nothing was recorded."""
    if isinstance(refusal, FlowDownRefused):
        flash(words(refusal), "info")
        return leave_to(url_for("console.terms"))
    if isinstance(refusal, TextStale):
        return page(stale=words(refusal), status=409)
    put_refusal(form, refusal)
    sent = {"form": form} if isinstance(form, AgreeForm) else {"refusing": form}
    response = page(**sent, status=422)
    if isinstance(refusal, TooManyAttempts):
        response.status_code = 429
        response.headers["Retry-After"] = str(refusal.wait_seconds)
    return response
