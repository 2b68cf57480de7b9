"""The desk's findings: each detail of a company accepted, asked about or rejected, with a note (T9).

A finding is about a detail as it is worded then; changed, it is to be checked again, and the others keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import write_tx
from models.partner import DetailQuery, Partner
from models.verification import DetailChange
from services.audit import Act, record
from services.company_details import COMPANY, DetailRefused, check, name_key
from services.desk import (
    DETAILS,
    NOTE_LENGTH,
    UNDECIDED,
    DecisionRefused,
    ask,
    latest_checks,
    locked_known,
    open_changes,
    tell_admins,
    write_check,
)
from services.refusal import N_
from services.settings import Settings

JUDGED_STATES = (*UNDECIDED, "active", "suspended", "closing")
OUTCOMES = {
    "accepted": N_("Accepted"),
    "queried": N_("We have a question"),
    "rejected": N_("Not accepted"),
}


@dataclass(frozen=True)
class Verdict:
    """accepted, queried or rejected; the note is for the partner where it has to do something."""

    verdict: str
    note: str = ""


def judge(
    act: Act, settings: Settings, partner_id: int, verdicts: Mapping[str, Verdict], seen: str | None = None
) -> Partner:
    """Takes verdicts about several details at once, all or none: field -> Verdict.

    An applicant hears of questions only, and its application then waits for the answers. A partner is told everything
    that it has to do or was waiting for: a value that waited comes into force when it is accepted and goes when it is
    rejected; for a value in force that is asked about or rejected, a correction is expected on the company's page.
    Raises DecisionRefused with the field (`note_<detail>`, `verdict_<detail>`) that it concerns.
    """
    with write_tx():
        partner = locked_known(partner_id, JUDGED_STATES, seen)
        waiting = open_changes(partner)
        _refuse(partner, verdicts)
        before, state = {name: getattr(partner, name) for name in verdicts}, partner.state
        for name, verdict in verdicts.items():
            _keep(act, partner, waiting.get(name), name, verdict)
        _refuse_misfits(partner, [name for name in verdicts if getattr(partner, name) != before[name]])
        asked = [name for name, verdict in verdicts.items() if verdict.verdict == "queried"]
        if state in UNDECIDED and asked:
            partner.state = "query"
        partner.name_key = name_key(partner.legal_name)
        partner.save(only=[*verdicts, "name_key", "state"])
        after = {name: getattr(partner, name) for name in verdicts}
        found = {name: verdict.verdict for name, verdict in verdicts.items()}
        record(act, "partner.judged", partner, partner=partner, before=before, after={**after, "verdicts": found})
        _tell(act, settings, partner, verdicts, waiting)
    return partner


def accept_rest(act: Act, partner: Partner) -> list[str]:
    """Accepts every detail of the locked applicant that is not accepted yet, as part of approving it; returns which.
    Raises DecisionRefused for one that was found wrong as it stands."""
    marks = {name: row.verdict for name, row in latest_checks(partner).items() if row.value == getattr(partner, name)}
    wrong = [name for name in DETAILS if marks.get(name) == "rejected"]
    if wrong:
        raise DecisionRefused(
            N_("A detail was found wrong and is still the same. Ask about it, accept it, or refuse the application.")
        )
    rest = [name for name in DETAILS if marks.get(name) != "accepted"]
    for name in rest:
        write_check(act, partner, name, getattr(partner, name), "accepted")
    return rest


def missing(partner: Partner) -> list[str]:
    """The details that are not accepted as they stand."""
    known = latest_checks(partner)
    return [
        name
        for name in DETAILS
        if name not in known or known[name].value != getattr(partner, name) or known[name].verdict != "accepted"
    ]


def _refuse(partner: Partner, verdicts: Mapping[str, Verdict]) -> None:
    if not verdicts:
        raise DecisionRefused(N_("Choose a verdict for at least one detail."))
    waiting = {row.field for row in partner.open_queries}
    for name, verdict in verdicts.items():
        if name not in DETAILS or verdict.verdict not in OUTCOMES:
            raise ValueError(f"there is no verdict {verdict.verdict!r} about {name!r}")
        note = verdict.note.strip()
        if not note and verdict.verdict != "accepted":
            raise DecisionRefused(N_("Write what is wrong or unclear, and what would settle it."), f"note_{name}")
        if len(note) > NOTE_LENGTH:
            raise DecisionRefused(N_("Write at most %(most)s characters."), f"note_{name}", most=NOTE_LENGTH)
        if verdict.verdict == "queried" and name in waiting:
            raise DecisionRefused(
                N_("The partner was already asked about this and has not answered yet."), f"note_{name}"
            )


def _refuse_misfits(partner: Partner, changed: list[str]) -> None:
    """Values that wait are accepted one by one, and some only fit together, such as VAT and register number."""
    details = {name: getattr(partner, name) for name in COMPANY}
    for name in COMPANY if changed else ():
        try:
            check(name, details[name], details)
        except DetailRefused as refusal:
            raise DecisionRefused(
                N_("The details would not fit together. Decide about those that belong together in one go."),
                f"verdict_{changed[0]}",
            ) from refusal


def _keep(act: Act, partner: Partner, change: DetailChange | None, name: str, verdict: Verdict) -> None:
    value = change.value_after if change else getattr(partner, name)
    write_check(act, partner, name, value, verdict.verdict, verdict.note.strip())
    settles = verdict.verdict == "accepted" or (verdict.verdict == "rejected" and change is not None)
    if change is not None and verdict.verdict != "queried":
        change.verdict, change.decided_name, change.decided_at = verdict.verdict, act.actor_name, act.at
        change.save(only=["verdict", "decided_name", "decided_at"])
        if verdict.verdict == "accepted" and change.held:
            setattr(partner, name, change.value_after)
    if settles and partner.state not in UNDECIDED:
        _close_query(act, partner, name)
    asks = verdict.verdict == "queried" or (verdict.verdict == "rejected" and _expects_correction(partner, change))
    if asks and not DetailQuery.select().where(_open_query(partner, name)).exists():
        ask(act, partner, name, verdict.note.strip())


def _expects_correction(partner: Partner, change: DetailChange | None) -> bool:
    """What is in force and wrong has to be mended; a value that only waited simply goes."""
    return partner.state not in UNDECIDED and (change is None or not change.held)


def _open_query(partner: Partner, name: str):
    return (DetailQuery.partner == partner) & (DetailQuery.field == name) & DetailQuery.answered_at.is_null()


def _close_query(act: Act, partner: Partner, name: str) -> None:
    """The desk found its own answer: nobody of the partner has to give one any more."""
    DetailQuery.update(answered_at=act.at, answered_by=act.actor_name, value_after=getattr(partner, name)).where(
        _open_query(partner, name)
    ).execute()


def _tell(
    act: Act, settings: Settings, partner: Partner, verdicts: Mapping[str, Verdict], waiting: Mapping[str, DetailChange]
) -> None:
    if partner.state in UNDECIDED:
        notes = [(DETAILS[name], v.note.strip()) for name, v in verdicts.items() if v.verdict == "queried"]
        if notes:
            tell_admins(act, settings, partner, "application_query", "/application", questions=notes)
        return
    told = [
        (DETAILS[name], OUTCOMES[v.verdict], v.note.strip())
        for name, v in verdicts.items()
        if v.verdict != "accepted" or (name in waiting and waiting[name].held)
    ]
    if told:
        tell_admins(act, settings, partner, "details_judged", "/company", verdicts=told)
