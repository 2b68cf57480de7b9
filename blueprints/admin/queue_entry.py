"""A line of the operators' queue."""

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from models.incident import Incident
from services import security_report


@dataclass(frozen=True)
class Entry:
    """`kind`: application, answered, waiting, changed, incident, termination, closure, document, terms, storage, mail
    or job."""

    kind: str
    title: str
    note: str
    since_at: datetime
    url: str
    next_step: str


def of_incident(incident: Incident) -> Entry:
    steps = {
        "new": _("Read it, stop what does harm, and say how bad it is."),
        "seen": _("Find out who is affected, and stop what does harm."),
        "contained": _("Tell those who are affected, then close it."),
    }
    return Entry(
        "incident",
        f"{incident.number} · {_(security_report.KINDS[incident.kind])}",
        incident.partner.legal_name if incident.partner_id else _("reported without a log-in"),
        incident.reported_at,
        url_for("admin.incident", number=incident.number),
        steps[incident.state],
    )
