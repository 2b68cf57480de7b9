"""How pages of others are linked: marked, and by way of the notice page (T15)."""

from flask import Flask, current_app, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from blueprints import pieces
from services import legal_text, outward


def outward_url(url: str) -> str:
    """The address of the notice page for a link that the portal itself shows; addresses of other kinds stay."""
    if not outward.is_web(url) or url.startswith(f"{current_app.settings.public_url}/"):
        return url
    return url_for("outward.notice", to=url, mark=outward.mark(current_app.settings.secret_key, url))


def outward_mark() -> Markup:
    """What every link to a page of others carries behind its words."""
    words = Markup('<span class="visually-hidden"> ({})</span>').format(_("another site"))
    return Markup(" ") + pieces.icon("external-link", "icon-small") + words


def legal_html(body: str) -> Markup:
    """Markdown of documents and notices as HTML, its links to pages of others as everywhere."""
    return Markup(legal_text.to_html(body, outward_url, outward_mark()))  # noqa: S704 - to_html escapes what it is given


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(outward=outward_url, legal_html=legal_html)
    app.jinja_env.globals["outward_mark"] = outward_mark
