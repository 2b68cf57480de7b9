"""Evidence of consent: the published head of the chain, files to take along, and the command that checks them."""

import sys
import tempfile
from pathlib import Path

import click
from flask import Blueprint, abort, current_app, flash, g, request, send_file, url_for
from flask.cli import with_appcontext

from blueprints.access import Permission, act, public, requires, viewer
from blueprints.errors import words
from blueprints.partials import answer, leave_to
from blueprints.whole_numbers import whole
from models.base import database
from models.partner import Partner
from services import consent_objections, consent_overdue, evidence, evidence_check, evidence_export, evidence_faults

bp = Blueprint("evidence", __name__, cli_group="evidence")


@bp.get("/terms/evidence")
@public
def head():
    """Anybody may compare a file with what is published here; it says nothing about whose rows there are."""
    asked = request.args.get("number", type=whole)
    found = evidence.at_number(asked) if asked is not None else None
    return answer("terms/evidence.html", head=evidence.head(), asked=asked, found=found, now=g.clock.now())


@bp.get("/terms/mine/evidence.zip")
@requires(Permission.TERMS_ACCEPT, least="application", before_terms=True)
def own():
    return archive(viewer.partner, url_for("terms.own"))


@bp.get("/admin/partners/<int:partner_id>/evidence.zip")
@requires(Permission.EVIDENCE_EXPORT)
def of_partner(partner_id: int):
    partner = Partner.get_or_none(id=partner_id) or abort(404)
    return archive(partner, url_for("admin.partner", partner_id=partner.id))


@bp.get("/admin/overdue-terms")
@requires(Permission.APPLICATION_VIEW)
def overdue():
    after = request.args.get("after", 0, type=whole) or 0
    found, more = consent_overdue.listed(g.clock.now(), after)
    return answer("admin/overdue_terms.html", found=found, more=more)


@bp.get("/admin/objections")
@requires(Permission.APPLICATION_VIEW)
def objections():
    found, more = consent_objections.listed(request.args.get("before", type=whole))
    return answer("admin/objections.html", found=found, more=more)


def archive(partner: Partner, back: str):
    """The file is made beside the memory of this process and removed once it was sent."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - sent and closed by the answer
    try:
        evidence_export.hand_out(act(), file, current_app.settings, partner)
    except evidence_export.TooMuch as refusal:
        file.close()
        flash(words(refusal), "warning")
        return leave_to(back)
    file.seek(0)
    name = f"evidence-{g.clock.now():%Y-%m-%d}.zip"
    return send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)


@bp.cli.command("verify")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(file: Path | None):
    """Check an evidence FILE, without the database; without FILE the whole chain of the database. Ends with 1 and a
    line for each fault."""
    if file is not None:
        right, lines = evidence_check.told(str(file))
        for line in lines:
            click.echo(line)
        sys.exit(0 if right else 1)
    _verify_database()


@with_appcontext
def _verify_database() -> None:
    broken = 0
    with database.connection_context():
        for fault in evidence_faults.faults():
            click.echo(fault)
            broken += 1
        head = evidence.head()
    if broken:
        sys.exit(1)
    click.echo(f"the chain of evidence is whole; it ends at number {head.number} with the hash {head.hash}")


@bp.cli.command("export")
@click.argument("partner_id", type=int)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(partner_id: int, file: Path):
    """Write the evidence of the partner with this number to FILE."""
    from services.audit import Act

    by = Act(at=current_app.clock.now(), actor_name="command line", source="cli")
    with database.connection_context():
        partner = Partner.get_or_none(id=partner_id)
        if partner is None:
            raise click.ClickException(f"there is no partner with the number {partner_id}")
        try:
            with file.open("xb") as opened:
                evidence_export.hand_out(by, opened, current_app.settings, partner)
        except FileExistsError as failure:
            raise click.ClickException(f"{file} is there already") from failure
        except evidence_export.TooMuch as refusal:
            file.unlink()
            raise click.ClickException(refusal.text % refusal.values) from refusal
    click.echo(f"{file}: check it with: python portal.py evidence verify {file}")
