"""A file in a form, and a stored file on its way to a person."""

import io

from flask import Response, send_file
from flask_wtf.file import FileField

from models.stored_file import StoredFile
from services.uploads import LARGEST_BYTES


def sent_file(field: FileField) -> tuple[str, bytes] | None:
    """Name and content of what was chosen, None when nothing was; at most what can be stored, and one byte."""
    if not field.data:
        return None
    return field.data.filename or "", field.data.stream.read(LARGEST_BYTES + 1)


def as_download(file: StoredFile) -> Response:
    """To keep, not to show within the portal: what a PDF does in a browser stays out of the portal's pages."""
    content = io.BytesIO(bytes(file.content))
    return send_file(content, file.media_type, as_attachment=True, download_name=file.name, etag=False)
