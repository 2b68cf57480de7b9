"""The provider's colour and logo, where the settings name them."""

import hashlib

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for

from blueprints.access import public
from services import branding

bp = Blueprint("brand", __name__, url_prefix="/brand")


@bp.get("/style.css")
@public
def style():
    return _lasting(current_app.extensions["brand"]["style"], "text/css")


@bp.get("/logo")
@public
def logo():
    shown = current_app.extensions["brand"]["logo"]
    return _lasting(shown.content, shown.media_type) if shown else abort(404)


def _lasting(content: bytes, media_type: str) -> Response:
    """Kept by browsers as long as its address names just this content."""
    if not content:
        abort(404)
    response = Response(content, content_type=media_type)
    if request.args.get("v") == _digest(content):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def links() -> dict[str, str | None]:
    """Addresses of style sheet and logo for the frame of pages; None: the portal's own."""
    shown = current_app.extensions["brand"]
    style, logo = shown["style"], shown["logo"]
    return {
        "brand_style": url_for("brand.style", v=_digest(style)) if style else None,
        "brand_logo": url_for("brand.logo", v=_digest(logo.content)) if logo else None,
    }


@bp.record_once
def prepare(state) -> None:
    """Read and checked once, at start: what cannot be shown keeps the portal from starting."""
    app: Flask = state.app
    provider = app.settings.provider  # type: ignore[attr-defined]
    light, dark = provider.colour, provider.colour_dark
    app.extensions["brand"] = {
        "style": branding.style(light, dark or branding.lightened(light)).encode() if light else b"",
        "logo": branding.logo(provider.logo_path) if provider.logo else None,
    }
    app.context_processor(links)
