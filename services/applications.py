"""The partner's side of the verification desk: where an application stands, and answers to what was asked (T9)."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.base import locked, write_tx
from models.partner import DetailQuery, Member, Partner
from services.audit import Act, record
from services.company_details import BOUND, COMPANY, DetailRefused, check, name_key
from services.company_details.text import canonical
from services.refusal import N_, Refusal

ANSWER_LENGTH = 1000


class AnswersRefused(Refusal):
    """At least one answer needs another look; `refused` holds one refusal per field."""

    def __init__(self, refused: list[Refusal]):
        super().__init__(N_("Some details need another look."))
        self.refused = refused


class Unexplained(DetailRefused):
    """A detail stays as it was and nobody said why."""


class NothingAsked(Refusal):
    """No question is open: somebody of the same company was faster, or the application was decided."""

    def __init__(self) -> None:
        super().__init__(N_("There is no open question any more. Nothing was changed."))


@dataclass(frozen=True)
class Change:
    """What one act of answering leaves on the partner's row."""

    before: dict[str, str]
    after: dict[str, str]


def questions(partner: Partner) -> list[DetailQuery]:
    """The open questions, oldest first."""
    return list(partner.open_queries.order_by(DetailQuery.id))


def editable(open_questions: list[DetailQuery]) -> list[str]:
    """The details that may be changed while these questions are open, in the order of the form: those asked about, and
    those that have to fit them, such as the VAT number when the country is asked about."""
    asked = {row.field for row in open_questions}
    bound = {other for field in asked for other in BOUND.get(field, ())}
    return [field for field in COMPANY if field in asked | bound]


def answer(act: Act, member: Member, given: Mapping[str, str], remarks: Mapping[str, str]) -> Partner:
    """Takes corrections (`given`: field -> new value) and remarks (field -> text) for every open question at once.

    An unchanged value needs a remark. Each question keeps the value before and after; the partner returns to `applied`.
    Raises AnswersRefused (fields `<detail>` and `answer_<detail>`), NothingAsked.
    """
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        asked = questions(partner)
        if partner.state != "query" or not asked:
            raise NothingAsked
        change = _checked(partner, asked, given, remarks)
        for field, value in change.after.items():
            setattr(partner, field, value)
        partner.name_key, partner.state = name_key(partner.legal_name), "applied"
        partner.save(only=[*change.after, "name_key", "state"])
        for row in asked:
            _close(act, row, change, remarks.get(row.field, ""))
        after = {"state": "applied", **change.after}
        record(
            act, "partner.answered", partner, partner=partner, before={"state": "query", **change.before}, after=after
        )
    return partner


def _checked(
    partner: Partner, asked: list[DetailQuery], given: Mapping[str, str], remarks: Mapping[str, str]
) -> Change:
    fields = editable(asked)
    before = {field: getattr(partner, field) for field in fields}
    details = {field: getattr(partner, field) for field in COMPANY} | {
        field: given[field] for field in fields if field in given
    }
    after: dict[str, str] = {}
    refused: list[Refusal] = []
    for field in fields:
        try:
            after[field] = check(field, details[field], details)
        except DetailRefused as refusal:
            refused.append(refusal)
    for row in asked:
        try:
            _refuse_silence(row, before, after, remarks.get(row.field, ""))
        except DetailRefused as refusal:
            refused.append(refusal)
    if refused:
        raise AnswersRefused(refused)
    return Change(before, after)


def _refuse_silence(row: DetailQuery, before: dict[str, str], after: dict[str, str], remark: str) -> None:
    field = f"answer_{row.field}"
    written = canonical(" ".join(remark.split()), field, 0, ANSWER_LENGTH)
    if not written and row.field in after and after[row.field] == before[row.field]:
        raise Unexplained(N_("Correct the detail, or write why it is right as it is."), field)


def _close(act: Act, row: DetailQuery, change: Change, remark: str) -> None:
    row.value_before = change.before.get(row.field, row.value_before)
    row.value_after = change.after.get(row.field, row.value_before)
    row.answer = canonical(" ".join(remark.split()), f"answer_{row.field}", 0, ANSWER_LENGTH)
    row.answered_by, row.answered_at = act.actor_name, act.at
    row.save(only=["value_before", "value_after", "answer", "answered_by", "answered_at"])
