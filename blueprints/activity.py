"""The partner's trail: who changed what, staff included (T3). And the command that verifies the whole chain."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from flask import Blueprint, Response, current_app, g, stream_with_context
from flask.cli import with_appcontext

from blueprints.access import Permission, requires, viewer
from blueprints.partials import answer
from blueprints.trail import action_text
from blueprints.trail_filters import KINDS, SOURCES, people, read, sees_keys
from models.audit import AuditEvent, AuditHead
from models.base import database
from services import audit_check, audit_heads, chain, csv_export, trail
from services.audit_role import remark
from services.clock import local_day
from services.command_line import NotDone

bp = Blueprint("activity", __name__, cli_group="audit")

COLUMNS = ("at", "what", "action", "thing_kind", "thing", "by", "source", "before", "after", "request_id")
LINES_AT_ONCE = 200


@bp.record_once
def init(setup) -> None:
    setup.app.jinja_env.globals["history_of"] = history_of


@bp.get("/activity")
@requires(Permission.ACTIVITY_VIEW, least="export")
def show():
    filters, partner = read(), viewer.partner
    listing = trail.page(filters.wanted, partner, filters.before)
    return answer(
        "activity/show.html",
        "activity/_rows.html",
        filters=filters,
        events=[trail.told(event, keys=sees_keys()) for event in listing.events],
        older=listing.older,
        kinds=KINDS,
        sources=SOURCES,
        people=people(partner, current_app.settings.provider.name),
    )


@bp.get("/activity.csv")
@requires(Permission.ACTIVITY_VIEW, least="export", area="exports")
def export_csv():
    """The whole selection, not the page."""
    cells = ([row[name] for name in COLUMNS] for row in file_rows())
    return as_file(csv_export.lines(COLUMNS, cells), "text/csv", "csv")


@bp.get("/activity.json")
@requires(Permission.ACTIVITY_VIEW, least="export", area="exports")
def export_json():
    return as_file(json_pieces(file_rows()), "application/json", "json")


def file_rows() -> Iterator[dict]:
    keys, wanted, by = sees_keys(), read().wanted, current_app.jinja_env.filters["actor_text"]
    for event in trail.every(wanted, viewer.partner):
        told = trail.told(event, keys=keys)
        yield {
            "at": told.at,
            "what": action_text(told.action),
            "action": told.action,
            "thing_kind": told.thing_kind,
            "thing": told.thing_id,
            "by": by(told),
            "source": told.source,
            "before": as_text(told.before),
            "after": as_text(told.after),
            "request_id": told.request_id,
        }


def as_text(values: dict | None) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""


def json_pieces(rows: Iterator[dict]) -> Iterator[str]:
    """One JSON array, some rows at a time: memory stays flat."""
    some, opened = [], "["
    for row in rows:
        values: dict = {name: json.loads(row[name] or "null") for name in ("before", "after")}
        values["at"] = row["at"].isoformat().replace("+00:00", "Z")
        some.append(json.dumps({**row, **values}, ensure_ascii=False))
        if len(some) == LINES_AT_ONCE:
            yield opened + ",\n".join(some)
            some, opened = [], ",\n"
    yield (opened if some or opened == "[" else "") + ",\n".join(some) + "]\n"


def as_file(pieces: Iterator[str], kind: str, ending: str) -> Response:
    response = Response(stream_with_context(pieces), mimetype=kind)
    day = local_day(g.clock.now(), viewer.person.time_zone).isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="activity-{day}.{ending}"'
    return response


def history_of(*things: tuple[str, list]) -> list[AuditEvent]:
    """For the page of a thing: its latest rows as its partner may see them. Each is (kind, numbers)."""
    return [trail.told(event, keys=sees_keys()) for event in trail.of_things(viewer.partner, things)]


@bp.cli.command("verify")
@click.option("--head", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with heads.")
@with_appcontext
def verify(file: Path | None):
    """Walk the whole chain of the trail; with --head compare it with the heads that were kept outside. Ends with 1 and
    a line for each fault, the first broken row first."""
    try:
        heads = audit_heads.read(file) if file else []
    except NotDone as failure:
        raise click.ClickException(str(failure)) from failure
    broken = 0
    with database.connection_context():
        for fault in audit_check.faults(heads):
            click.echo(fault)
            broken += 1
        head, said = chain.head(AuditHead), remark()
    if said:
        click.echo(said)
    if broken:
        sys.exit(1)
    click.echo(f"the trail is whole; it ends at number {head.number} with the hash {head.hash}")
