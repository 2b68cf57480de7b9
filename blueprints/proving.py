"""Who is asked to show again who they are before a sensitive act (step-up). Runs behind the gate of access.py."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import gettext as _

from blueprints.access import stop_asking, viewer
from blueprints.declarations import Declaration
from blueprints.headers import own_path
from blueprints.now_closed import kept
from blueprints.partials import leave_to, wants_partial
from blueprints.standings import NotNow
from services import second_factor, sessions


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


def refuse_unproved() -> None:
    """For acts that are sensitive only sometimes. Raises ProofFirst."""
    if not is_proved():
        raise ProofFirst


class FactorFirst(NotNow):
    """Nothing goes on before the person has the second factor that they must have."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("factor_first")
        self.endpoint = endpoint

    def more(self) -> dict[str, Any]:
        return {
            "title": _("You need a second factor"),
            "text": _("Nothing was changed. Who signs in here has to show a second factor, and you have not yet."),
            "link": (url_for(self.endpoint), _("Second factor")),
            "kept": kept(),
        }


def lacks_factor() -> bool:
    """Whether the person has to show a second factor, and this session has not."""
    return viewer.session.second_factor_at is None and second_factor.must(viewer.person)


def lead_to_factor(declared: Declaration) -> Response:
    """Who has none sets one up; who has one shows it."""
    if declared.polled and wants_partial():
        return stop_asking()
    endpoint = "prove.show" if second_factor.has(viewer.person) else "security.set_up"
    if request.method not in ("GET", "HEAD"):
        raise FactorFirst(endpoint)
    return leave_to(url_for(endpoint, next=here() if endpoint == "prove.show" else None))


def refuse() -> Response | None:
    """A page is reached over the page that asks; a form that comes too late is refused, with the way to it."""
    declared = getattr(current_app.view_functions.get(request.endpoint or ""), "access", None)
    # a look began with a proof, and shows alone
    if declared is None or declared.open_to_all or declared.console or viewer.look:
        return None
    if not declared.without_factor and lacks_factor():
        return lead_to_factor(declared)
    if not declared.proof or is_proved():
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
