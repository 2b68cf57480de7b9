"""The certificate of a closure on its way to a person."""

from flask import Response, abort

from models.closure import Closure
from services import closing_certificate


def certificate_file(closure: Closure, kind: str) -> Response:
    """As a download, `kind` pdf or json; 404 while there is none, and when it is in the archive alone."""
    if kind not in ("pdf", "json") or not closure.certificate or closure.file is None:
        abort(404)
    content = bytes(closure.file.content) if kind == "pdf" else closure.certificate
    response = Response(content, mimetype=f"application/{kind}")
    name = closing_certificate.file_name(closure)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response
