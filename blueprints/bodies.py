"""What a request carries is read behind the gate: a stranger's file is not even received."""

from flask import Flask, abort, request


def refuse_nul() -> None:
    """As headers.refuse_nul does for the address. Where there is no page, nobody reads a form."""
    if request.endpoint and any("\x00" in text for pair in request.form.items(True) for text in pair):
        abort(400)


def init_app(app: Flask) -> None:
    app.before_request(refuse_nul)
