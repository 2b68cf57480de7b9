"""The browser of the tests: signs in, sends its CSRF token, and looks at every page that it gets."""

import secrets

from flask import current_app, g
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from models.operator import Operator
from services import sessions
from tests.cast import act_of
from tests.page import check_page, check_partial

READING = ("GET", "HEAD", "OPTIONS")


class PortalClient(FlaskClient):
    """`csrf=False` leaves the token out, `htmx=True` asks as htmx does, `check=False` looks at nothing."""

    def open(self, *args, csrf: bool = True, htmx: bool = False, check: bool = True, **kwargs) -> TestResponse:
        if args and isinstance(args[0], str) and args[0].startswith("/"):
            kwargs.setdefault("base_url", self._own_url)
            headers = dict(kwargs.pop("headers", None) or {})
            if htmx:
                headers["HX-Request"] = "true"
            if csrf and kwargs.get("method", "GET") not in READING:
                headers.setdefault("X-CSRFToken", self.csrf_token())
                headers.setdefault("Referer", f"{self._own_url}/")  # over https the token alone is not enough
            kwargs["headers"] = headers
            kwargs.setdefault("buffered", True)  # else files stay open that were sent
        response = super().open(*args, **kwargs)
        if check and response.mimetype == "text/html" and response.text:
            is_piece = htmx and not response.text.lstrip().lower().startswith("<!doctype")
            check_partial(response) if is_piece else check_page(response)
        return response

    @property
    def _own_url(self) -> str:
        return self.application.settings.public_url

    def own_session(self):
        """The session cookie's content, to read or change: `with client.own_session() as values: …`."""
        return self.session_transaction(base_url=self._own_url)

    def csrf_token(self) -> str:
        with self.own_session() as values:
            raw = values.setdefault("csrf_token", secrets.token_hex(20))
        with self.application.test_request_context(base_url=self._own_url):
            from flask import session

            session["csrf_token"] = raw
            g.pop("csrf_token", None)
            return generate_csrf()

    def sign_in(self, person, **session_values) -> None:
        """Begins a real session for the person, without the log-in form."""
        app = self.application
        with app.app_context():
            now = current_app.clock.now()
            shown_at = now if isinstance(person, Operator) else None  # operators always have a second factor
            token = sessions.begin(act_of(person, now), person, current_app.settings, second_factor_at=shown_at)
        with self.own_session() as values:
            values.update({"_user_id": token, "_fresh": True, **session_values})
