"""A partner changes its company's details (T8).

Name, register number and VAT number are what the provider has verified, what contracts name and consents were given
under: a change waits until the desk has accepted it, and the old value stays in force. Address and phone only say where
the company is reached, and an outdated one is worse than an unchecked one: they hold at once and are checked later.
The country is not changed here: a company that is registered elsewhere is another company.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import locked, write_tx
from models.partner import DetailQuery, Member, Partner
from models.verification import DetailChange
from services import confirmation
from services.audit import Act, record
from services.company_details import COMPANY, refusals
from services.company_details.text import canonical
from services.desk import open_changes
from services.refusal import N_, Refusal

HELD = ("legal_name", "register_number", "vat_id")
AT_ONCE = ("street", "postcode", "city", "phone")
EDITABLE = (*HELD, *AT_ONCE)
ANSWER_LENGTH = 1000


class EditRefused(Refusal):
    """Nothing was changed; `refused` holds one refusal per field."""

    def __init__(self, refused: list[Refusal]):
        super().__init__(N_("Some details need another look."))
        self.refused = refused


class EditStale(Refusal):
    """Somebody else changed the details since the page was opened (409)."""

    def __init__(self) -> None:
        super().__init__(
            N_("Somebody changed the details meanwhile. Compare yours with what stands there now, then save again.")
        )


@dataclass(frozen=True)
class Edited:
    """Details that changed at once, that wait for the desk, and whose wish was taken back."""

    changed: list[str]
    waiting: list[str]
    withdrawn: list[str]


def present(partner: Partner) -> dict[str, str]:
    """The details as the partner wants them: what waits for the desk in place of what is in force."""
    wanted = {name: row.value_after for name, row in open_changes(partner).items() if row.held}
    return {name: wanted.get(name, getattr(partner, name)) for name in COMPANY}


def change(act: Act, member: Member, given: Mapping[str, str], remarks: Mapping[str, str], seen: str) -> Edited:
    """Takes all editable details at once, and remarks on open questions (detail -> text). `seen` is what
    confirmation.worded said of the details that the form began with. Whoever saves also confirms the others.

    Raises EditRefused (fields `<detail>`, `answer_<detail>`), EditStale."""
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        if confirmation.worded(partner) != seen:
            raise EditStale
        before = present(partner)
        clean = _checked(before | {name: given[name] for name in EDITABLE if name in given}, remarks)
        edited, in_force = Edited([], [], []), {name: getattr(partner, name) for name in AT_ONCE}
        for name in EDITABLE:
            if clean[name] != before[name]:
                (_wish if name in HELD else _set)(act, partner, name, clean[name], edited)
        partner.save(only=[*AT_ONCE])
        _answer(act, partner, before, clean, remarks)
        confirmation.confirmed(act, partner)
        after = {name: clean[name] for name in edited.changed}
        asked = {name: clean[name] for name in edited.waiting}
        record(
            act,
            "partner.details_changed",
            partner,
            partner=partner,
            before={name: in_force[name] for name in edited.changed} | {n: before[n] for n in edited.withdrawn},
            after=after | {name: clean[name] for name in edited.withdrawn} | ({"asked_for": asked} if asked else {}),
        )
    return edited


def _checked(wanted: dict[str, str], remarks: Mapping[str, str]) -> dict[str, str]:
    clean, refused = refusals(wanted, EDITABLE)
    problems: list[Refusal] = list(refused)
    for name, text in remarks.items():
        try:
            canonical(" ".join(text.split()), f"answer_{name}", 0, ANSWER_LENGTH)
        except Refusal as refusal:
            problems.append(refusal)
    if problems:
        raise EditRefused(problems)
    return clean


def _wish(act: Act, partner: Partner, name: str, value: str, edited: Edited) -> None:
    """Asks the desk for the new value; asking for the one in force takes the wish back."""
    taken_back = value == getattr(partner, name)
    _close(act, partner, name, "withdrawn" if taken_back else "replaced")
    if taken_back:
        edited.withdrawn.append(name)
        return
    _note(act, partner, name, getattr(partner, name), value, held=True)
    edited.waiting.append(name)


def _set(act: Act, partner: Partner, name: str, value: str, edited: Edited) -> None:
    """Puts the new value in force; the desk looks at it against the last one that it has seen."""
    earlier = open_changes(partner).get(name)
    checked = earlier.value_before if earlier else getattr(partner, name)
    _close(act, partner, name, "withdrawn" if value == checked else "replaced")
    setattr(partner, name, value)
    if value != checked:
        _note(act, partner, name, checked, value, held=False)
    edited.changed.append(name)


def _note(act: Act, partner: Partner, name: str, before: str, after: str, *, held: bool) -> None:
    DetailChange.create(
        partner=partner,
        field=name,
        value_before=before,
        value_after=after,
        held=held,
        changed_by=act.actor_name,
        changed_at=act.at,
    )


def _close(act: Act, partner: Partner, name: str, verdict: str) -> None:
    DetailChange.update(verdict=verdict, decided_name=act.actor_name, decided_at=act.at).where(
        DetailChange.partner == partner, DetailChange.field == name, DetailChange.decided_at.is_null()
    ).execute()


def _answer(
    act: Act, partner: Partner, before: Mapping[str, str], after: Mapping[str, str], remarks: Mapping[str, str]
) -> None:
    """A question is answered by another value, by a remark, or by both."""
    for row in partner.open_queries:
        remark = " ".join(remarks.get(row.field, "").split())
        if not remark and after.get(row.field) == before.get(row.field):
            continue
        row.value_before, row.value_after = before[row.field], after.get(row.field, before[row.field])
        row.answer, row.answered_by, row.answered_at = remark, act.actor_name, act.at
        row.save(
            only=[
                DetailQuery.value_before,
                DetailQuery.value_after,
                DetailQuery.answer,
                DetailQuery.answered_by,
                DetailQuery.answered_at,
            ]
        )
