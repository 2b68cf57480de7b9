"""The headers of every answer, written once."""

import secrets
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request

from blueprints import formats

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
FIXED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # not no-referrer: the CSRF check over https needs the own origin's referrer
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def begin_request() -> None:
    g.clock = current_app.clock
    g.request_id = secrets.token_hex(8)


def refuse_nul() -> None:
    """No text of ours holds a NUL, and Postgres refuses it with an error of its own, even in a question. For what
    forms carry it is done behind the gate (bodies)."""
    if any("\x00" in text for pair in request.args.items(True) for text in pair):
        abort(400)


def _is_of_its_digest() -> bool:
    """Whether the address names the content that is sent: else a shared cache would keep the content of one release
    under the address of another."""
    return request.args.get("v") == formats.static_digest(cast(dict, request.view_args)["filename"])


def put_headers(response: Response) -> Response:
    response.headers.update(FIXED)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if current_app.settings.secure_cookies:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        lasting = response.status_code == 200 and _is_of_its_digest()
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return response
    if request.blueprint == "brand":
        response.headers.setdefault("Cache-Control", "no-cache")
        return response
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response


def own_path(target: str | None) -> str | None:
    """The target when it is a path of this portal that a GET opens, else None: nobody is sent anywhere else."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(sign) < 33 or sign == "\\" for sign in target):
        return None
    parsed = urlsplit(target)
    adapter = current_app.url_map.bind("")
    return target if not parsed.netloc and adapter.test(parsed.path, "GET") else None


def init_app(app: Flask) -> None:
    app.before_request(begin_request)
    app.before_request(refuse_nul)
    app.after_request(put_headers)
