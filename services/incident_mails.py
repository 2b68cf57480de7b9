"""Who is told by mail of a report: its sender gets the number, the provider's people that it is there."""

from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from models.incident import Incident
from models.operator import Operator
from models.partner import Member
from services import attempts, mail
from services.attempts import TooManyAttempts
from services.audit import Act
from services.settings import Settings

DECIDERS = ("manager", "owner")
# reports without a log-in: so many in a while are told one by one, more wait in the queue
MOST_TOLD, TOLD_WITHIN = 10, timedelta(minutes=15)


def tell_of_report(act: Act, settings: Settings, incident: Incident, person: Member | Operator | None) -> None:
    """Inside the transaction of the report."""
    _tell_sender(act, settings, incident, person)
    if person is None and _flooded(act):
        return
    for operator in Operator.select().where(Operator.active, Operator.right.in_(DECIDERS)).order_by(Operator.id):
        _tell_staff(act, settings, incident, operator.email, operator.locale, operator.name)
    _tell_staff(act, settings, incident, settings.provider.security_address, settings.locales[0], "")


def _tell_sender(act: Act, settings: Settings, incident: Incident, person: Member | Operator | None) -> None:
    """A stranger's address gets a receipt without a word that the stranger wrote, and not many: it may be anybody's."""
    values = {"number": incident.number, "reported_at": incident.reported_at, "done": incident.contained}
    if person is not None:
        mail.queue(
            act, settings, "incident_received", to=person.email, locale=person.locale,
            of_partner=incident.partner_id, name=person.name, path="/security/reports", **values,
        )  # fmt: skip
        return
    address = _address(incident.contact)
    if not address:
        return
    try:
        attempts.count(act, address, attempts.MAIL)
    except TooManyAttempts:
        return  # they have the number on the page
    mail.queue(
        act, settings, "incident_received", to=address, locale=settings.locales[0], of_partner=None, name="",
        path="/security/report", **values,
    )  # fmt: skip


def _address(contact: str) -> str:
    try:
        return validate_email(contact.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return ""


def _flooded(act: Act) -> bool:
    unsigned = Incident.member.is_null() & Incident.operator.is_null()
    return Incident.select().where(unsigned, Incident.reported_at > act.at - TOLD_WITHIN).count() > MOST_TOLD


def _tell_staff(act: Act, settings: Settings, incident: Incident, to: str, locale: str, name: str) -> None:
    mail.queue(
        act, settings, "incident_new", to=to, locale=locale, of_partner=None,
        path=f"/admin/incidents/{incident.number}", name=name, number=incident.number,
        company=incident.partner.legal_name if incident.partner else "", done=incident.contained,
    )  # fmt: skip
