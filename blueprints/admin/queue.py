"""The queue: everything that waits for an operator, the oldest first, each with what to do next."""

from datetime import datetime
from itertools import starmap

from flask import g, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.access import Permission, requires, viewer
from blueprints.admin import bp
from blueprints.admin.queue_entry import Entry, of_incident
from blueprints.admin.reasons import advice, finding_advice, finding_words
from blueprints.admin.region_words import alarm_advice, alarm_title
from blueprints.formats import language
from blueprints.partials import answer
from models.drift import Drift
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import Region
from models.verification import Measure
from services import (
    consent_overdue,
    deletion_guard,
    desk,
    document_desk,
    document_publishing,
    incident_desk,
    leaving,
    measures,
    one_by_one,
)
from services import operators_figures as figures
from services.document_desk import Draft
from services.region_alarms import Alarm, alarms


@bp.get("")
@requires(Permission.APPLICATION_VIEW)
def queue():
    at = g.clock.now()
    applications = [_of_application(row) for row in figures.applications()]
    others = [
        *map(_of_termination, measures.waiting()),
        *map(_of_closure, leaving.news(at)),
        *map(of_incident, incident_desk.waiting()),
        *map(_of_draft, _drafts_to_approve()),
        *_of_overdue_terms(at),
        *starmap(_of_changed, desk.changed_details()),
        *starmap(_of_unheld, figures.quotas_unheld(at)),
        *map(_of_alarm, alarms(at)),
        *map(_of_stuck, figures.stuck(at)),
        *starmap(_of_held, deletion_guard.waiting_regions()),
        *map(_of_finding, figures.strange()),
        *map(_of_mail, figures.unsent_mails()),
        *map(_of_failed, one_by_one.failed(at)),
    ]
    due = [entry for entry in applications if entry.kind != "waiting"]
    return answer(
        "admin/queue.html",
        entries=sorted([*due, *others], key=lambda entry: entry.since_at),
        waiting=[entry for entry in applications if entry.kind == "waiting"],
    )


def _of_application(row: figures.Application) -> Entry:
    steps = {
        "new": _("Check the details, then approve, ask or refuse."),
        "answered": _("Compare the answers with what was asked, then decide."),
        "waiting": ngettext(
            "Waits for %(num)s answer of the partner.", "Waits for %(num)s answers of the partner.", row.open_questions
        ),
    }
    if row.mark != "waiting" and not viewer.may(Permission.APPLICATION_DECIDE):
        steps[row.mark] = _("Check the details and ask where something is unclear. A manager decides.")
    return Entry(
        "application" if row.mark == "new" else row.mark,
        row.partner.legal_name,
        row.partner.city,
        row.since_at,
        url_for("admin.partner", partner_id=row.partner.id),
        steps[row.mark],
    )


def _of_termination(measure: Measure) -> Entry:
    return Entry(
        "termination",
        measure.partner.legal_name,
        _("A termination waits for a second operator"),
        measure.asked_at,
        url_for("admin.partner", partner_id=measure.partner_id, _anchor="measures"),
        _("See why it was asked for, then confirm it or take it back."),
    )


def _of_closure(one: leaving.News) -> Entry:
    closure = one.closure
    back = closure.state == "withdrawn"
    return Entry(
        "closure",
        closure.partner.legal_name,
        _("The partner has taken its closure back") if back else _("The partner has announced that it leaves"),
        one.since_at,
        url_for("admin.closure", public_id=closure.public_id),
        _("Nothing has to be decided. Read the reason, and mark it as seen."),
    )


def _of_failed(job: one_by_one.Failed) -> Entry:
    return Entry(
        "job",
        job.name,
        _("The worker met a fault and tries again; the others go on"),
        job.since_at,
        url_for("admin.storage"),
        _("Look into the worker's log for this name, and tell whoever maintains the portal."),
    )


def _drafts_to_approve() -> list[Draft]:
    """Those that wait for this operator: whoever wrote one does not approve it."""
    if not viewer.may(Permission.DOCUMENT_APPROVE):
        return []
    found = [one for one in document_desk.drafts().values() if one.step == "submitted"]
    return [one for one in found if not document_publishing.may_not_approve(one.any, viewer.person.id)]


def _of_draft(draft: Draft) -> Entry:
    text = draft.rows.get(language()) or draft.any
    return Entry(
        "document",
        f"{text.title} {text.label}",
        _("A draft waits for approval"),
        draft.any.submitted_at or g.clock.now(),
        url_for("admin.document_draft", kind=draft.kind),
        _("Compare it with what holds now, then approve it or send it back."),
    )


def _of_overdue_terms(at: datetime) -> list[Entry]:
    number = consent_overdue.number(at)
    if not number or not viewer.may_open("evidence.overdue"):
        return []
    return [
        Entry(
            "terms",
            _("Terms that are overdue"),
            ngettext(
                "%(num)s partner has not accepted the new terms", "%(num)s partners have not accepted the new terms",
                number,
            ),
            consent_overdue.since(at),
            url_for("evidence.overdue"),
            _("They were told by mail. See who they are, and call those that matter."),
        )
    ]  # fmt: skip


def _of_changed(partner: Partner, number: int, since_at: datetime) -> Entry:
    return Entry(
        "changed",
        partner.legal_name,
        ngettext("%(num)s detail was changed", "%(num)s details were changed", number),
        since_at,
        url_for("admin.judge", partner_id=partner.id),
        _("Compare it with what was known, then accept, ask or reject."),
    )


def _of_alarm(alarm: Alarm) -> Entry:
    return Entry(
        "storage",
        alarm.region.title,
        alarm_title(alarm),
        alarm.since_at,
        url_for("admin.storage", _anchor=f"region-{alarm.region.id}"),
        alarm_advice(alarm),
    )


def _of_unheld(region: Region, since_at: datetime) -> Entry:
    return Entry(
        "storage",
        region.title,
        _("Quotas not held"),
        since_at,
        url_for("admin.storage", _anchor=f"region-{region.id}"),
        _("Full accounts can be written to. See whether the worker runs and the storage service answers."),
    )


def _of_held(region: Region, number: int, since_at: datetime) -> Entry:
    return Entry(
        "storage",
        region.title,
        ngettext(
            "%(num)s deletion waits for a second operator", "%(num)s deletions wait for a second operator", number
        ),
        since_at,
        url_for("admin.storage", _anchor=f"held-{region.id}"),
        _("See why they are held back and whether they are meant, then release them."),
    )


def _of_stuck(row: figures.Stuck) -> Entry:
    account = row.sub_account
    return Entry(
        "storage",
        account.name,
        f"{account.number} · {account.partner.legal_name}",
        row.since_at,
        url_for("admin.storage", _anchor=f"account-{account.number}"),
        advice(account.reason_code),
    )


def _of_finding(finding: Drift) -> Entry:
    what = finding_words(finding.kind)
    return Entry(
        "storage",
        f"{what}: {finding.key_id or finding.remote_uid}",
        f"{finding.sub_account.name} · {finding.region.name}" if finding.sub_account else finding.region.name,
        finding.first_seen_at,
        url_for("admin.storage", _anchor=f"finding-{finding.id}"),
        finding_advice(finding.kind, finding.acted_at is not None),
    )


def _of_mail(mail: Mail) -> Entry:
    return Entry(
        "mail",
        mail.subject,
        mail.recipient,
        mail.created_at,
        url_for("admin.mail", mail_id=mail.id),
        _("Read why it failed, mend the cause, then send it again."),
    )
