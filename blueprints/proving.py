"""Who is asked to show again who they are before a sensitive act (step-up). Runs behind the gate of access.py."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import viewer
from blueprints.headers import own_path
from blueprints.now_closed import kept
from blueprints.partials import leave_to, wants_partial
from blueprints.standings import NotNow
from services import sessions


class ProofFirst(NotNow):
    """The act waits until the person has shown who they are. In a new tab: what was entered stays where it is."""

    def __init__(self) -> None:
        super().__init__("proof_first")

    def more(self) -> dict[str, Any]:
        return {
            "title": _("Please confirm that it is you"),
            "text": _("Nothing was changed. This needs a confirmation that is not older than a few minutes."),
            "link": (url_for("prove.show"), _("Confirm that it is you")),
            "kept": kept(),
        }


def is_proved() -> bool:
    return sessions.is_proved(viewer.session, g.clock.now(), current_app.settings)


def refuse() -> Response | None:
    """A page is reached over the page that asks; a form that comes too late is refused, with the way to it."""
    declared = getattr(current_app.view_functions.get(request.endpoint or ""), "access", None)
    if declared is None or not declared.proof or is_proved():
        return None
    if request.method in ("GET", "HEAD"):
        return leave_to(url_for("prove.show", next=here()))
    raise ProofFirst


def here() -> str | None:
    """Where the person is: a piece of a page is asked for from the page around it."""
    if not wants_partial():
        return own_path(request.full_path.rstrip("?"))
    around = urlsplit(request.headers.get("HX-Current-URL", ""))
    return own_path(around.path + (f"?{around.query}" if around.query else ""))


def init_app(app: Flask) -> None:
    app.before_request(refuse)
