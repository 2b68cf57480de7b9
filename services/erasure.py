"""Erasure of a partner or a person (Art. 17 GDPR; Art. 28(3)(g); Regulation (EU) 2023/2854, chapter VI).

Each row goes the way of its class (services/record_classes.py): it is erased, moved to the archive, or stays as a
tombstone that names nobody. A partner of 100,000 sub-accounts has millions of rows: they go in batches, each in a
transaction of its own, and what was broken off is taken up by the nightly purge.
"""

from typing import Any

from peewee import chunked

from models.archive import ArchiveRecord, Erasure
from models.audit import AuditEvent
from models.base import Table, locked, write_tx
from models.evidence import ConsentReceipt, Evidence, EvidencePersonal
from models.outbox import Mail, MailAttachment
from models.partner import Member, Partner
from models.sub_account import SubAccount
from models.verification import Measure
from services import audit_erasing, erasure_paths, erasure_rows, erasure_words, evidence
from services.audit import Act, record
from services.clock import local_day
from services.record_classes import TABLES, delete_after
from services.refusal import N_, Refusal
from services.settings import Settings

BATCH_ROWS = 500
WORDS, DONE = "words", "done"


class ErasureRefused(Refusal):
    """Nobody was erased."""


def erase_partner(act: Act, settings: Settings, partner: Partner, *, keeps: bool = True) -> Erasure:
    """Erases the partner with all of its members, or goes on with it; call it again as often as one likes.

    `keeps` False: nothing goes to the archive, because no contract came about. While one of its sub-accounts is there
    on the storage service nothing is erased: the answer has `waits_for`, and the nightly purge tries again.
    """
    with write_tx():
        row = locked(Partner.select().where(Partner.id == partner.id)).get()
        erasure = Erasure.get_or_none(kind="partner", subject_id=row.id) or _begin(act, "partner", row, keeps)
    carry_on(act, settings, erasure)
    return Erasure.get_by_id(erasure.id)


def erase_member(act: Act, settings: Settings, member: Member) -> Erasure:
    """Erases one person while the company stays: what they agreed to is kept in the archive, what they did stays under
    "former member #id". Raises ErasureRefused for the only administrator of a company that is still here."""
    with write_tx():
        partner = locked(Partner.select().where(Partner.id == member.partner_id)).get()
        erasure = Erasure.get_or_none(kind="member", subject_id=member.id)
        if erasure is None:
            _refuse_last_admin(partner, member)
            erasure = _begin(act, "member", member, True)
    carry_on(act, settings, erasure)
    return Erasure.get_by_id(erasure.id)


def carry_on(act: Act, settings: Settings, erasure: Erasure, most_batches: int | None = None) -> bool:
    """Does what is left, at most so many batches; True when the erasure is complete."""
    batches = 0
    while erasure.finished_at is None and (most_batches is None or batches < most_batches):
        batches += 1
        if erasure.kind == "member":
            _member_goes(act, erasure)
        elif not _partner_goes_on(act, settings, erasure):
            return False
        erasure = Erasure.get_by_id(erasure.id)
    return erasure.finished_at is not None


def _begin(act: Act, kind: str, row: Partner | Member, keeps: bool) -> Erasure:
    erasure = Erasure.create(
        kind=kind,
        subject_id=row.id,
        public_id=row.public_id,
        keeps=int(keeps),
        asked_at=act.at,
        asked_by=f"{act.kind}:{act.actor_id}" if act.actor_id else act.kind,
    )
    record(act, f"{kind}.erasure_begun", row, partner=row.partner_id if isinstance(row, Member) else row.id)
    return erasure


def _refuse_last_admin(partner: Partner, member: Member) -> None:
    others = Member.select().where(
        Member.partner == partner, Member.role == "admin", Member.active, Member.id != member.id
    )
    if member.role == "admin" and member.removed_at is None and partner.state != "closed" and not others.exists():
        raise ErasureRefused(N_("This is the company's only administrator. Name another one first."))


def _partner_goes_on(act: Act, settings: Settings, erasure: Erasure) -> bool:
    """One batch; False when something stands in the way."""
    partner = Partner.get_by_id(erasure.subject_id)
    alive = (SubAccount.partner == partner) & (SubAccount.phase != "deleted")
    if SubAccount.select().where(alive).exists():
        Erasure.update(waits_for="sub_accounts").where(Erasure.id == erasure.id).execute()
        return False
    steps = _steps()
    step = erasure.step if erasure.step in steps else steps[0]
    if step == WORDS:
        called = f"former partner #{partner.id}"
        erasure_words.replace_everywhere_else(partner, called, act.at, known=bool(erasure.keeps))
        _step(erasure, steps[steps.index(WORDS) + 1])
    elif step == DONE:
        _finish_partner(act, settings, erasure, partner)
    elif not _batch(act, settings, erasure, erasure_paths.tables()[step]):
        _step(erasure, steps[steps.index(step) + 1])
    return True


def _steps() -> list[str]:
    """Names are looked for in texts when the partner's own mails are gone, and before the people are."""
    steps = [table._meta.table_name for table in erasure_paths.in_order()]
    steps.insert(steps.index("mail") + 1, WORDS)
    return [*steps, DONE]


def _step(erasure: Erasure, step: str) -> None:
    Erasure.update(step=step, last_id=0, waits_for="").where(Erasure.id == erasure.id).execute()


def _batch(act: Act, settings: Settings, erasure: Erasure, table: type[Table]) -> bool:
    """The next rows of one table; False when none is left. Archive, table and place move on in one transaction."""
    with write_tx():
        rows, last_id = _next(table, erasure)
        if last_id is None:
            return False
        ended_on = local_day(erasure.asked_at, settings.provider.time_zone)
        archived = (
            erasure_rows.archive(erasure, erasure.subject_id, table, rows, act.at, ended_on) if erasure.keeps else 0
        )
        if TABLES[table._meta.table_name].fate == "remove":
            erasure_rows.remove(table, rows, act.at)
        else:
            erasure_rows.empty(table, [row._pk for row in rows], act.at)
        Erasure.update(
            last_id=last_id,
            erased_rows=Erasure.erased_rows + len(rows),
            archived_rows=Erasure.archived_rows + archived,
        ).where(Erasure.id == erasure.id).execute()
    return True


def _next(table: type[Table], erasure: Erasure) -> tuple[list, int | None]:
    """The next rows, and the place behind them: a row's key, or for a table of sub-accounts the last of these. None: no
    row is left."""
    column = erasure_paths.account_column(table)
    if column is not None:
        accounts = erasure_paths.accounts_after(column, erasure.subject_id, erasure.last_id)
        found = list(table.select().where(column.in_(accounts))) if accounts else []
        return found, accounts[-1] if accounts else None
    condition: Any = erasure_paths.of_partner(table, erasure.subject_id)
    if table is Measure:  # a bar goes on, and can be lifted
        condition &= (Measure.kind != "bar") | Measure.ended_at.is_null(False)
    rows: list[Any] = erasure_rows.some_after(table, condition, erasure.last_id, BATCH_ROWS)
    return rows, rows[-1]._pk if rows else None


def _finish_partner(act: Act, settings: Settings, erasure: Erasure, partner: Partner) -> None:
    ended_on = local_day(erasure.asked_at, settings.provider.time_zone)
    open_ended = (ArchiveRecord.former_partner_id == partner.id) & ArchiveRecord.delete_after_on.is_null()
    with write_tx():
        for name in {row.record_class for row in ArchiveRecord.select(ArchiveRecord.record_class).where(open_ended)}:
            own = open_ended & (ArchiveRecord.record_class == name)
            ArchiveRecord.update(delete_after_on=delete_after(name, ended_on)).where(own).execute()
        Partner.update(state="closed").where(Partner.id == partner.id, Partner.state != "barred").execute()
        for member in Member.select().where(Member.partner == partner):
            audit_erasing.forget(act.at, "member", member.id)
        Member.update(active=False).where(Member.partner == partner).execute()
        _finish(act, erasure, partner, partner.id)


def _member_goes(act: Act, erasure: Erasure) -> None:
    """What one person left is never much. First the archive, while everything is as it was; then texts, while it is
    known what to look for; then the person."""
    member = Member.get_by_id(erasure.subject_id)
    called = erasure_rows.former(member.id)
    if erasure.step != WORDS:
        _keep_evidence(act, erasure, member)
    _mails_go(member, called)
    erasure_words.replace_of_member(member, erasure_words.of_member(member, called), act.at)
    with write_tx():
        about = (AuditEvent.thing_kind == "member") & (AuditEvent.thing_id == str(member.id))
        audit_erasing.erase(act.at, audit_erasing.numbers_of(about), ["values"], "erasure")
        for table in erasure_paths.in_order():
            _own_rows_go(act, member, table)
        audit_erasing.forget(act.at, "member", member.id)
        erasure_rows.empty(Member, [member.id], act.at)
        Member.update(active=False).where(Member.id == member.id).execute()
        _finish(act, erasure, member, member.partner_id)


def _mails_go(member: Member, called: str) -> None:
    """To every address that the member had, and of the links to those that it asked for."""
    had, asked = erasure_words.addresses(member), erasure_words.asked_addresses(member)
    own = (Mail.partner == member.partner_id) & (
        Mail.recipient.in_(had) | (Mail.recipient.in_(asked) & (Mail.template == "mail_change"))
    )
    own |= Mail.partner.is_null() & Mail.recipient.in_(had)
    with write_tx():
        mails: Any = Mail.select(Mail.id).where(own).tuples()
        ids = [number for (number,) in mails]
        for some in chunked(ids, erasure_rows.KEYS_AT_ONCE):
            MailAttachment.delete().where(MailAttachment.mail.in_(some)).execute()
            Mail.update(recipient=called, text="", html="", attachment="").where(Mail.id.in_(some)).execute()


def _keep_evidence(act: Act, erasure: Erasure, member: Member) -> None:
    """Whatever proves something by this person moves to the archive, with the personal parts of its chained rows."""
    archived = 0
    with write_tx():
        for table in erasure_paths.in_order():
            condition = erasure_paths.of_member(table, member.id)
            if condition is None or TABLES[table._meta.table_name].record_class != "evidence":
                continue
            rows: list[Any] = list(table.select().where(condition))
            hashes = [row.hash for row in rows if getattr(row, "hash", "")]
            numbers = Evidence.select(Evidence.number).where(Evidence.hash.in_(hashes))
            parts = list(EvidencePersonal.select().where(EvidencePersonal.number.in_(numbers)))
            for kind, some in ((table, rows), (EvidencePersonal, parts)):
                archived += erasure_rows.archive(erasure, member.partner_id, kind, some, act.at, None)
            evidence.erase(act.at, hashes, "erasure")
        Erasure.update(step=WORDS, archived_rows=archived).where(Erasure.id == erasure.id).execute()


def _own_rows_go(act: Act, member: Member, table: type[Table]) -> None:
    condition = erasure_paths.of_member(table, member.id)
    if condition is None:
        return
    rows: list[Any] = list(table.select().where(condition))
    if TABLES[table._meta.table_name].fate == "stay":
        erasure_rows.empty(table, [row._pk for row in rows], act.at)
    elif erasure_paths.is_members_own(table) or table is ConsentReceipt:
        erasure_rows.remove(table, rows, act.at)


def _finish(act: Act, erasure: Erasure, row: Partner | Member, partner_id: int) -> None:
    Erasure.update(finished_at=act.at, step=DONE, waits_for="").where(Erasure.id == erasure.id).execute()
    done = Erasure.get_by_id(erasure.id)
    after = {"erased_rows": done.erased_rows, "archived_rows": done.archived_rows}
    record(act, f"{erasure.kind}.erased", row, partner=partner_id, after=after)
