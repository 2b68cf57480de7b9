"""What somebody typed and sent while their log-in had ended, or with a page of the log-in before: kept, so that they
send it again by hand (services/kept_forms.py)."""

from flask import request, session, url_for

from models.operator import Operator
from models.partner import Member
from services import kept_forms
from services.audit import Act

KEPT_FORM = "kept_form"  # where this browser keeps the token that finds it again


def keep_of_lapsed(act: Act) -> str | None:
    """For whoever was signed in here before; returns where it is found again, None where nothing is kept."""
    lapsed = session.get("_user_id")
    if not lapsed or request.method != "POST":
        return None
    return _found_at(kept_forms.keep_for_lapsed(act, lapsed, _here(), _fields()))


def keep_of(act: Act, person: Member | Operator) -> str | None:
    """For whoever is signed in, and only what a page of ours sent: another site makes nobody send anything."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        return None
    return _found_at(kept_forms.keep(act, person, _here(), _fields()))


def _here() -> str:
    return request.full_path.rstrip("?")


def _fields() -> list[tuple[str, str]]:
    """What the form carries, without the token against forgery; a form with a file is not read."""
    if request.mimetype == "multipart/form-data":
        return []
    return [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]


def _found_at(token: str | None) -> str | None:
    if token is None:
        return None
    session[KEPT_FORM] = token
    return url_for("sessions.form")
