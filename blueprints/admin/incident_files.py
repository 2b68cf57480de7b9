"""A security report as a file, for the provider's own records and for whoever has to be told by law."""

import json
from typing import Any

from flask import Response, current_app, g
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.incident_forms import NOTES, SEVERITIES, note_text, state_word
from blueprints.formats import language, when
from models.incident import Incident
from services import incident_desk, pdf, security_report


@bp.get("/incidents/<name:number>/report.json")
@requires(Permission.INCIDENT_VIEW)
def incident_json(number: str):
    known = incident_desk.known(number)
    incident_desk.note_export(act(), known, "json")
    content = json.dumps(incident_desk.as_plain(known), ensure_ascii=False, indent=2, default=lambda at: at.isoformat())
    return download(content.encode(), f"{number}.json", "application/json")


@bp.get("/incidents/<name:number>/report.pdf")
@requires(Permission.INCIDENT_VIEW)
def incident_pdf(number: str):
    known = incident_desk.known(number)
    incident_desk.note_export(act(), known, "pdf")
    content = pdf.document(
        _("Security report %(number)s", number=number),
        blocks(known),
        language=language(),
        provider=current_app.settings.provider.name,
        confidential=True,
        created_at=g.clock.now(),
    )
    return download(content, f"{number}.pdf", "application/pdf")


def blocks(known: Incident) -> list[pdf.Block]:
    names: Any = [f"{one['number']} {one.get('key', '')}".strip() for one in known.things]
    facts = [
        (_("State"), state_word(known)[0]),
        (_("Weight"), str(SEVERITIES[known.severity])),
        (_("What happened?"), _(security_report.KINDS[known.kind])),
        (_("Reported"), when(known.reported_at)),
        (_("By"), known.reporter_name or _("somebody who was not signed in")),
        (_("Company"), known.partner.legal_name if known.partner_id else "–"),
        (_("Contact"), known.contact or "–"),
        (_("Sub-accounts and keys"), ", ".join(names) or "–"),
        (_("Closed"), when(known.closed_at) or "–"),
    ]
    told = [
        (row.partner.legal_name, when(row.named_at), when(row.told_at) or "–") for row in incident_desk.affected(known)
    ]
    lines = [
        (when(note.at), note.made_name or "–", str(NOTES[note.kind]), note_text(note))
        for note in incident_desk.notes(known)
    ]
    return [
        pdf.Facts(facts),
        pdf.Heading(_("Report")),
        pdf.Preformatted(known.text),
        pdf.Heading(_("Affected partners")),
        pdf.Rows((_("Company"), _("Named"), _("Told")), told),
        pdf.Heading(_("History")),
        pdf.Rows((_("When"), _("Who"), _("What"), _("Text")), lines, (20, 20, 20, 40)),
    ]


def download(content: bytes, name: str, media_type: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
