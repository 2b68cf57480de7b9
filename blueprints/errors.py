"""Every refusal as a page or as a partial, in words."""

import logging
import re
import traceback
from contextlib import suppress
from datetime import date, datetime

from flask import Flask, g, make_response, render_template, request, session
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from blueprints import formats, typed
from blueprints.access import act, viewer
from blueprints.partials import leave_to, wants_partial
from blueprints.standings import NotNow
from models.base import DATABASE_AWAY
from services.refusal import NotFound, Refusal

log = logging.getLogger("portal.web")

SHORTEST_SECRET = 6


def words(refusal: Refusal) -> str:
    """The refusal's sentence in the reader's language, its values in the reader's notation."""
    return _(refusal.text) % {name: _value(name, value) for name, value in refusal.values.items()}


def _value(name: str, value: object) -> object:
    if name.endswith("_bytes") and isinstance(value, int):
        return formats.bytes_text(value)
    if isinstance(value, datetime):
        return formats.when(value)
    return formats.day(value) if isinstance(value, date) else value


def put_refusal(form: FlaskForm, refusal: Refusal) -> str:
    """Puts the refusal beside the field that it concerns, else at the top of the form; returns the sentence."""
    sentence = words(refusal)
    if refusal.field and refusal.field in form:
        field = form[refusal.field]
        field.errors = [*field.errors, sentence]
    else:
        form.form_errors.append(sentence)
    return sentence


def texts(status: int) -> tuple[str, str]:
    """Heading and advice for a status."""
    known = {
        400: (_("This request could not be read"), _("Go back, reload the page and try again.")),
        401: (_("Please sign in"), _("Sign in and open the page again.")),
        403: (_("You cannot do this"), _("Your role does not include it. An administrator of your company can help.")),
        404: (_("There is nothing here"), _("The address may be mistyped, or the page is not for you.")),
        405: (_("This does not work here"), _("Go back to the page before and use its buttons.")),
        409: (_("Something changed meanwhile"), _("Reload the page to see the present figures.")),
        413: (_("That is too large"), _("Send less at once.")),
        422: (_("That was not possible"), _("Check what you entered and try again.")),
        429: (_("Too many attempts"), _("Wait a few minutes and try again.")),
    }
    fault = (_("Something went wrong here"), _("Nothing was changed. Try again in a moment; if it stays, write to us."))
    return known.get(status, fault)


def refuse(status: int, title: str | None = None, text: str | None = None, **more):
    """`more`: a `link` (address, label) that helps, `until`, and `kept`: what the refused form carried."""
    heading, advice = texts(status)
    template = "errors/_alert.html" if wants_partial() else "errors/page.html"
    values = {
        "title": title or heading,
        "text": text or advice,
        "status": status,
        "request_id": g.get("request_id", ""),
        **more,
    }
    return make_response(render_template(template, **values), status)


def on_http_error(error: HTTPException):
    if error.response is not None or (error.code or 500) < 400:
        return error
    if isinstance(error, SecurityError):  # an untrusted host name: no address can be built for a page
        return make_response("This portal does not answer under that name.\n", 400, {"Content-Type": "text/plain"})
    response = refuse(error.code or 500, **(error.more() if isinstance(error, NotNow) else {}))
    if error.code == 403 and wants_partial():  # said where alerts are: what was typed stays on the page
        response.headers.update({"HX-Retarget": "#alert", "HX-Reswap": "innerHTML"})
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def on_stale_token(error: CSRFError):
    """The form was made before the log-in changed, or elsewhere: htmx reloads, a plain form of our own pages is kept
    and sent again by hand, any other gets a sentence."""
    if viewer.is_authenticated and not wants_partial():
        kept_at = typed.keep_of(act(), viewer.person)
        if kept_at:
            return leave_to(kept_at)
    if wants_partial():
        response = make_response("", 204)
        response.headers["HX-Refresh"] = "true"
        return response
    return refuse(
        400,
        _("This page is no longer current"),
        _("You signed in or out since it was opened. Reload it and try again."),
    )


def on_refusal(refusal: Refusal):
    return refuse(404) if isinstance(refusal, NotFound) else refuse(422, text=words(refusal))


def on_database_away(error: Exception):
    """Nothing was stored, and the same may work in a moment."""
    log.warning("request %s: database: %s", g.get("request_id", ""), without_secrets(str(error)))
    advice = _("Nothing was changed. Go back and press the button again in a moment.")
    response = refuse(503, _("The portal is busy"), advice)
    response.headers["Retry-After"] = "5"
    return response


def on_fault(error: Exception):
    told = without_secrets("".join(traceback.format_exception(error)))
    log.error("request %s failed: %s\n%s", g.get("request_id", ""), type(error).__name__, told)
    return refuse(500)


def without_secrets(text: str) -> str:
    """What a fault says of itself, for the log: without passwords, tokens and cookies of this request, which its
    message may repeat, and without the row that Postgres prints when it refuses one (threats.md 9)."""
    given = [*(request.view_args or {}).values(), *request.cookies.values(), session.get("_user_id")]
    with suppress(HTTPException):  # a form that is too large cannot be read
        given += [value for name, value in request.form.items() if re.search("password|code|credential", name)]
    for value in sorted({str(value) for value in given if value}, key=len, reverse=True):
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, "…")
    return re.sub(r"^DETAIL:.*$", "DETAIL: …", text, flags=re.MULTILINE)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(CSRFError, on_stale_token)
    app.register_error_handler(Refusal, on_refusal)
    for away in DATABASE_AWAY:
        app.register_error_handler(away, on_database_away)
    app.register_error_handler(Exception, on_fault)
