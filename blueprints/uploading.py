"""A file in a form, and a stored file on its way to a person."""

import io

from flask import Response, send_file
from flask_wtf.file import FileField

from blueprints.access import act
from models.stored_file import StoredFile
from services import uploads
from services.uploads import LARGEST_BYTES, CheckedPdf


def sent_pdf(field: FileField) -> CheckedPdf | None:
    """What was chosen, None when nothing was; looked at here, before any transaction. Raises as uploads.checked does,
    beside the field."""
    if not field.data:
        return None
    content = field.data.stream.read(LARGEST_BYTES + 1)
    return uploads.checked(act(), field.data.filename or "", content, field.short_name)


def as_download(file: StoredFile) -> Response:
    """To keep, not to show within the portal: what a PDF does in a browser stays out of the portal's pages."""
    content = io.BytesIO(bytes(file.content))
    return send_file(content, file.media_type, as_attachment=True, download_name=file.name, etag=False)
