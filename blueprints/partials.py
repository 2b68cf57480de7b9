"""One address answers as a page or as a partial; the header decides."""

import json

from flask import Response, make_response, redirect, render_template, request


def wants_partial() -> bool:
    """htmx asks for a piece; a boosted link or a restored history entry wants the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def answer(
    page: str,
    partial: str | None = None,
    /,
    *,
    status: int = 200,
    focus: str | None = None,
    riders: tuple[str, ...] = (),
    **values,
) -> Response:
    """The page, or for htmx the partial followed by `riders` (partials that swap themselves out of band).

    `focus` names the element (a CSS selector) that the keyboard goes to after the swap.
    """
    if not (partial and wants_partial()):
        return make_response(render_template(page, **values), status)
    pieces = [render_template(name, oob=name in riders, **values) for name in (partial, *riders)]
    response = make_response("\n".join(pieces), status)
    if focus:
        response.headers["HX-Trigger"] = json.dumps({"focus": focus})
    return response


def leave_to(url: str, status: int = 303) -> Response:
    """Sends the person to another page. For htmx by HX-Redirect: it would swap the target of a redirect in."""
    if not request.htmx:
        return redirect(url, 303)
    response = make_response("", status if status >= 400 else 204)
    response.headers["HX-Redirect"] = url
    return response
