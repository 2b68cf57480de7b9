"""What the portal knows of the person and of the company, to look at and to take along (T18, T21). Open to whoever
signs in, in every state of the partner and before any terms."""

from collections.abc import Iterator

from flask import Blueprint, Response, current_app, g, stream_with_context, url_for

from blueprints.access import Permission, act, requires, signed_in, viewer
from blueprints.errors import words
from blueprints.partials import answer
from models.base import write_tx
from services import own_data, own_data_person, usage_files

bp = Blueprint("own_data", __name__, url_prefix="/your-data", cli_group=None)
desk = usage_files.Desk()


@bp.get("")
@signed_in
def show():
    return page()


@bp.get("/person.json")
@signed_in
def person_json():
    note()
    return file(own_data_person.as_json(viewer.person, g.clock.now()), "application/json", "your-data.json")


@bp.get("/person.txt")
@signed_in
def person_text():
    note()
    pieces = own_data_person.as_text(viewer.person, current_app.settings, g.clock.now())
    return file(pieces, "text/plain", "your-data.txt")


@bp.get("/company.zip")
@requires(Permission.OWN_DATA_EXPORT, least="application", before_terms=True, proof=True)
def partner_export():
    """Everything of the company. What cannot be made now is answered with the page that says why."""
    try:
        end = desk.begin(viewer.partner)
    except usage_files.FileRefused as refused:
        return page(words(refused), 429)
    try:
        own_data.begin(act(), viewer.partner)
    except own_data.ExportRefused as refused:
        end()
        return page(words(refused), 429)
    pieces = own_data.export(viewer.partner, current_app.settings, g.clock.now())
    response = file(pieces, "application/zip", f"{viewer.partner.public_id}-{g.clock.now():%Y-%m-%d}.zip")
    response.call_on_close(end)  # read to its end, broken off, or never begun
    return response


def page(problem: str | None = None, status: int = 200) -> Response:
    may = viewer.member is not None and viewer.holds(Permission.OWN_DATA_EXPORT)
    company_url = url_for("own_data.partner_export") if may else None
    return answer("own_data/show.html", status=status, person=viewer.person, company_url=company_url, problem=problem)


def note() -> None:
    with write_tx():
        own_data_person.note(act(), viewer.person)


def file(pieces: Iterator[bytes], kind: str, name: str) -> Response:
    response = Response(stream_with_context(pieces), mimetype=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


from blueprints.own_data import commands  # noqa: E402, F401  they need `bp`
