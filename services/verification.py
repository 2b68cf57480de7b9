"""The verification desk (T8, T9): questions to applicants, and the decision about the application."""

from collections.abc import Mapping

from models.base import write_tx
from models.partner import DetailQuery, Partner
from services import barred, verdicts
from services.audit import Act, record
from services.desk import (
    DETAILS,
    NOTE_LENGTH,
    UNDECIDED,
    DecisionRefused,
    Detail,
    ask,
    details,
    fingerprint,
    given,
    locked_known,
    tell_admins,
    write_check,
)
from services.refusal import N_, NotFound
from services.settings import Settings

__all__ = [
    "DETAILS",
    "NOTE_LENGTH",
    "UNDECIDED",
    "DecisionRefused",
    "Detail",
    "approve",
    "details",
    "fingerprint",
    "given",
    "query",
    "refuse",
    "tell_admins",
]


def query(
    act: Act, settings: Settings, partner_id: int, notes: Mapping[str, str], seen: str | None = None
) -> list[DetailQuery]:
    """Asks the partner about one or several details: field name -> what is to be corrected (T9).

    The partner's state becomes `query`, its administrators get a mail with the questions and see them on the
    application page. Raises DecisionRefused with the field `note_<detail>` that it concerns.
    """
    wanted = {name: note.strip() for name, note in notes.items() if note.strip()}
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        _refuse_notes(partner, wanted)
        rows = [ask(act, partner, name, note) for name, note in wanted.items()]
        for name, note in wanted.items():
            write_check(act, partner, name, getattr(partner, name), "queried", note)
        before, partner.state = partner.state, "query"
        partner.save(only=[Partner.state])
        _record(act, "partner.queried", partner, before, details=sorted(wanted))
        questions = [(DETAILS[row.field], row.note) for row in rows]
        tell_admins(act, settings, partner, "application_query", "/application", questions=questions)
    return rows


def approve(act: Act, settings: Settings, partner_id: int, seen: str | None = None, *, rest: bool = False) -> Partner:
    """Makes the partner active and tells its administrators. `seen` is the fingerprint of what the operator looked at.

    Every detail has to be accepted as it stands; `rest` accepts in this act those that are not. Raises DecisionRefused
    when one is missing or was found wrong, when the company is barred, and when the application was decided or changed
    meanwhile."""
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        barred.refuse(partner)
        if rest:
            verdicts.accept_rest(act, partner)
        elif verdicts.missing(partner):
            raise DecisionRefused(
                N_("Not every detail is accepted yet. Check them one by one, or accept all the rest.")
            )
        before = _decide(act, partner, "active", "")
        _record(act, "partner.approved", partner, before, details=given(partner))
        tell_admins(act, settings, partner, "application_approved", "/home")
    return partner


def refuse(act: Act, settings: Settings, partner_id: int, reason: str, seen: str | None = None) -> Partner:
    """Refuses the application. The reason stays with the provider: it is neither mailed nor written to the trail, which
    the partner may read. Raises DecisionRefused without a reason, and when it was decided or changed meanwhile."""
    if not reason.strip():
        raise DecisionRefused(N_("Write down why, so that colleagues can understand it later."), "reason")
    with write_tx():
        partner = _locked_undecided(partner_id, seen)
        before = _decide(act, partner, "refused", reason.strip())
        _record(act, "partner.refused", partner, before)
        tell_admins(act, settings, partner, "application_refused", None)
    return partner


def _locked_undecided(partner_id: int, seen: str | None) -> Partner:
    return locked_known(partner_id, UNDECIDED, seen)


def _refuse_notes(partner: Partner, notes: Mapping[str, str]) -> None:
    if not notes:
        raise DecisionRefused(N_("Write a question beside at least one detail."))
    waiting = {row.field for row in partner.open_queries}
    for name, note in notes.items():
        if name not in DETAILS:
            raise NotFound()
        if len(note) > NOTE_LENGTH:
            raise DecisionRefused(N_("Write at most %(most)s characters."), f"note_{name}", most=NOTE_LENGTH)
        if name in waiting:
            raise DecisionRefused(
                N_("The partner was already asked about this and has not answered yet."), f"note_{name}"
            )


def _decide(act: Act, partner: Partner, state: str, note: str) -> str:
    before, partner.state = partner.state, state
    partner.decided_at, partner.decision_note = act.at, note
    partner.save(only=[Partner.state, Partner.decided_at, Partner.decision_note])
    return before


def _record(act: Act, action: str, partner: Partner, before: str, **after: object) -> None:
    record(act, action, partner, partner=partner, before={"state": before}, after={"state": partner.state, **after})
