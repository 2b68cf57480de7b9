"""The terms in full with one box per document, and the page that says where the mail went."""

from flask import Response, current_app, flash, g, url_for
from flask_babel import gettext as _

from blueprints.access import act, public
from blueprints.consent_boxes import consent_form
from blueprints.errors import words
from blueprints.formats import language
from blueprints.partials import answer, leave_to
from blueprints.signup.device import bp, device, draft, page_of, steps
from services import documents, links, signup
from services.consent import ConsentMissing, ConsentStale
from services.refusal import Refusal
from services.signup import drafts


@bp.get("/terms")
@public(area="sign_up")
def consent():
    found = draft()
    if drafts.next_step(found) != "check":
        return leave_to(page_of(found))
    return consent_page(found)


@bp.post("/terms")
@public(area="sign_up")
def agree():
    """One box per document and one for the authority. A text that changed meanwhile is shown anew (409)."""
    found = draft()
    if drafts.next_step(found) != "check":
        return leave_to(page_of(found))
    versions = documents.required_at_sign_up(language(), g.clock.now())
    form = consent_form(versions, found.details["legal_name"])
    agreed, shown = form.ticked(versions), form.shown(versions, _("Agree and apply"))
    bound = bool(form.authority.data)
    try:
        signup.apply(
            act(), current_app.settings, device(), agreed, shown=shown, declared_authority=bound, locale=language()
        )
    except ConsentStale as refusal:
        return consent_page(found, stale=words(refusal), status=409)
    except (ConsentMissing, signup.TooMany) as refusal:
        return consent_refused(found, form, refusal)
    return leave_to(url_for("signup.sent"))


def consent_refused(found, form, refusal: Refusal) -> Response:
    if isinstance(refusal, signup.TooMany):
        form.form_errors.append(words(refusal))
        return consent_page(found, form, status=429)
    if not form.authority.data:
        form.authority.errors = [
            *form.authority.errors,
            _("Only someone who may bind the company can apply. Tick this box too."),
        ]
    return consent_page(found, form, status=422)


def consent_page(found, form=None, *, stale: str | None = None, status: int = 200) -> Response:
    versions = documents.required_at_sign_up(language(), g.clock.now())
    form = form or consent_form(versions, found.details["legal_name"], blank=True)
    boxes = form.boxes(versions)
    return answer(
        "signup/consent.html", form=form, boxes=boxes, stale=stale, steps=steps("consent"), status=status, private=True
    )


@bp.get("/sent")
@public(area="sign_up")
def sent():
    found = draft()
    if drafts.next_step(found) != "sent":
        return leave_to(page_of(found))
    return sent_page(found)


@bp.post("/again")
@public(area="sign_up")
def again():
    found = draft()
    try:
        signup.send_again(act(), current_app.settings, device())
    except signup.DraftGone as refusal:
        flash(words(refusal), "warning")
        return leave_to(page_of(found))
    except signup.TooMany as refusal:
        return sent_page(found, words(refusal), 429)
    flash(_("The mail is on its way again. An older link no longer works."), "good")
    return leave_to(url_for("signup.sent"))


def sent_page(found, problem: str | None = None, status: int = 200) -> Response:
    hours = links.HOURS["confirm_mail"]
    address = found.details["sent_to"]
    return answer(
        "signup/sent.html",
        address=address,
        hours=hours,
        problem=problem,
        steps=steps("sent"),
        status=status,
        private=True,
    )
