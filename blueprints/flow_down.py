"""The page on which a customer agrees to the terms for end customers: no log-in, the token is all it takes (T2)."""

from flask import Blueprint, current_app, g, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import refresh
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from blueprints import formats
from blueprints.access import act, public, viewer
from blueprints.consent_boxes import document_html
from blueprints.errors import put_refusal, words
from blueprints.partials import answer
from blueprints.whole_numbers import whole
from models.flow_down import FlowDownLink
from models.terms import TermsVersion
from services import documents, flow_down, flow_down_answers
from services.attempts import TooManyAttempts
from services.flow_down_answers import LONGEST_REASON, Answer, LinkOver, TextStale
from services.names import LONGEST
from services.refusal import NotFound, Refusal

bp = Blueprint("flow_down", __name__, url_prefix="/agree")

TOO_LONG = _l("Enter at most %(max)d characters.")


class AgreeForm(FlaskForm):
    """`agree` gets its words from the text that is shown; `seen` is what was shown."""

    seen = HiddenField()
    person_name = StringField(
        _l("Your name"), [InputRequired(_l("Enter your name.")), Length(max=LONGEST, message=TOO_LONG)]
    )
    company = StringField(
        _l("Company"),
        [InputRequired(_l("Enter the company that agrees.")), Length(max=LONGEST, message=TOO_LONG)],
    )
    agree = BooleanField("", [InputRequired(_l("Tick the box if you agree."))])


class DeclineForm(FlaskForm):
    seen = HiddenField()
    who = StringField(_l("Your name"), [Length(max=LONGEST, message=TOO_LONG)])
    reason = TextAreaField(_l("Reason"), [Length(max=LONGEST_REASON, message=TOO_LONG)])


@bp.get("/<token:token>")
@public
def ask(token: str):
    """Uses nothing up: mail scanners open every link."""
    try:
        link = flow_down_answers.look(token, g.clock.now())
    except Refusal as refusal:
        return over(refusal)
    return page(token, link)


@bp.post("/<token:token>")
@public
def agree(token: str):
    form = AgreeForm()
    try:
        link = flow_down_answers.look(token, g.clock.now())
        speak_as(link)
        version = shown_version(form.seen.data)
        form.agree.label.text = box_text(version, link)
        if not form.validate():
            return page(token, link, form, status=422)
        said = answered(form, company=form.company.data, person_name=form.person_name.data, box=form.agree.label.text)
        row = flow_down_answers.accept(act(), current_app.settings, token, said)
    except Refusal as refusal:
        return refused(token, refusal, form)
    return answer("flow_down/agreed.html", row=row, link=link, version=row.version)


@bp.post("/<token:token>/decline")
@public
def decline(token: str):
    form = DeclineForm()
    try:
        link = flow_down_answers.look(token, g.clock.now())
        speak_as(link)
        if not form.validate():
            return page(token, link, refusing=form, status=422)
        said = answered(form, person_name=form.who.data or "", reason=form.reason.data or "")
        row = flow_down_answers.decline(act(), current_app.settings, token, said)
    except Refusal as refusal:
        return refused(token, refusal, form)
    return answer("flow_down/declined.html", row=row, link=link, partner=link.sub_account.partner)


def page(
    token: str,
    link: FlowDownLink,
    form: AgreeForm | None = None,
    refusing: DeclineForm | None = None,
    *,
    stale: str = "",
    status: int = 200,
):
    """The text in force, with the forms that were sent or fresh ones, whose box is empty."""
    speak_as(link)
    version = flow_down.in_force(g.clock.now(), formats.language())
    form = form or AgreeForm(formdata=None, company=link.sub_account.customer.name)
    refusing = refusing or DeclineForm(formdata=None)
    form.seen.data = refusing.seen.data = f"{version.id}:{version.sha256}"
    form.agree.label.text = box_text(version, link)
    return answer(
        "flow_down/ask.html",
        status=status,
        token=token,
        link=link,
        form=form,
        refusing=refusing,
        has_errors=bool(form.errors or refusing.errors),
        stale=stale,
        version=version,
        text=document_html(version),
        binding=documents.BINDING,
    )


def speak_as(link: FlowDownLink) -> None:
    """The mail's language, until the reader chooses another one."""
    if not viewer.is_authenticated and "language" not in session and link.locale in current_app.settings.locales:
        session["language"] = link.locale
        g.pop("reader", None)
        refresh()


def shown_version(seen: str | None) -> TermsVersion | None:
    """The text that the form speaks of; whether it is in force, the service finds out."""
    return TermsVersion.get_or_none(id=whole((seen or "").partition(":")[0]) or 0, kind=flow_down.KIND)


def box_text(version: TermsVersion | None, link: FlowDownLink) -> str:
    title, label = (version.title, version.label) if version else ("", "")
    company = link.sub_account.customer.name
    return _(
        "I agree to the document “%(title)s”, version %(label)s, and may do so for %(company)s.",
        title=title,
        label=label,
        company=company,
    )


def answered(form: FlaskForm, *, person_name: str, company: str = "", reason: str = "", box: str = "") -> Answer:
    """With the exact words of this page, for the evidence."""
    version_id, _colon, sha256 = (form.seen.data or "").partition(":")
    button = _("Agree") if box else _("I do not agree")
    shown = {"box": box, "button": button, "boxes_before": "empty", "page_language": formats.language()}
    return Answer(whole(version_id) or 0, sha256, company, person_name, shown, reason)


def refused(token: str, refusal: Refusal, form: FlaskForm):
    """Why nothing was recorded: the link is over, the text has changed, or something is missing."""
    if isinstance(refusal, NotFound | LinkOver):
        return over(refusal)
    if isinstance(refusal, TooManyAttempts):
        response = answer("flow_down/over.html", reason=words(refusal), done=False, status=429)
        response.headers["Retry-After"] = str(refusal.wait_seconds)
        return response
    link = flow_down_answers.look(token, g.clock.now())
    if isinstance(refusal, TextStale):
        return page(token, link, stale=words(refusal), status=409)
    put_refusal(form, refusal)
    sent = {"form": form} if isinstance(form, AgreeForm) else {"refusing": form}
    return page(token, link, **sent, status=422)


def over(refusal: Refusal):
    """Why the link shows no text. An unknown one says what a mistyped one does."""
    unknown = isinstance(refusal, NotFound)
    values = {"reason": "" if unknown else words(refusal), "done": getattr(refusal, "done", False)}
    return answer("flow_down/over.html", status=404 if unknown else 410, **values)
