"""The certificate of deletion (T19): what was removed, when, by whom, how it is known, and what is kept until when."""

import functools
import json
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.support import NullTranslations, Translations

from models.base import database
from models.closure import Closure, ClosureAccount
from models.contract import Contract
from models.partner import Member
from models.stored_file import StoredFile
from services import capacity, pdf, record_classes, uploads
from services.audit import Act
from services.clock import local_day
from services.mail import ROOT
from services.purging import NO_SUCH_USER
from services.refusal import N_
from services.settings import Settings

MOST_ROWS = 2000  # lines of the PDF; the JSON file lists every account
LARGEST_ATTACHED = 2 * 10**6  # signs of JSON; a longer file is fetched in the portal
METHOD = N_(
    "All keys were refused first. Then every bucket was emptied with all versions, delete markers and unfinished"
    " uploads, the buckets and keys were removed, and the account itself. Afterwards the storage service was asked for"
    " the account and answered that it does not know it."
)
KEPT = {
    "commercial_letter": N_("Contracts, orders, notices and acceptances of terms"),
    "voucher": N_("Ledger of allocations and daily use: the basis of invoices"),
    "evidence": N_("Proof of consent and this certificate"),
}
BACKUPS = N_(
    "Backups of the portal's database are overwritten in turn; what is removed here is removed again after any of them"
    " is restored."
)


def issue(act: Act, settings: Settings, closure: Closure) -> tuple[str, StoredFile, list[tuple[str, str, bytes]]]:
    """Writes the certificate inside the caller's transaction: as JSON text, as stored PDF, and both as attachments of a
    mail (name, media type, content). Call when every account of the closure has ended."""
    if not database.in_transaction():
        raise RuntimeError("a certificate was written outside the transaction of its closure")
    facts = _facts(act, settings, closure)
    text = json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True)
    language = _language(settings, closure)
    title = _words(language).gettext("Certificate of deletion")
    pages = pdf.document(
        title, _blocks(facts, language, settings), language=language, provider=settings.provider.name,
        created_at=act.at,
    )  # fmt: skip
    name = file_name(closure)
    stored = uploads.keep_pdf(act, uploads.own(f"{name}.pdf", pages))
    return (
        text,
        stored,
        [(f"{name}.pdf", "application/pdf", pages), (f"{name}.json", "application/json", text.encode())],
    )


def file_name(closure: Closure) -> str:
    return f"certificate-of-deletion-{closure.public_id[:10]}"


def _facts(act: Act, settings: Settings, closure: Closure) -> dict:
    day = local_day(act.at, settings.provider.time_zone)
    accounts = list(ClosureAccount.select().where(ClosureAccount.closure == closure).order_by(ClosureAccount.number))
    own = Contract.id == closure.contract_id if closure.contract_id else Contract.partner == closure.partner_id
    return {
        "certificate": closure.public_id,
        "provider": settings.provider.name,
        "partner": closure.partner.legal_name,
        "register_number": closure.partner.register_number,
        "cause": closure.cause,
        "asked_at": _iso(closure.asked_at),
        "asked_by": _asked_by(settings, closure),
        "notice_until_at": _iso(closure.notice_until_at),
        "transition_until_at": _iso(closure.transition_until_at),
        "retrieval_until_at": _iso(closure.retrieval_until_at),
        "purge_from_at": _iso(closure.purge_from_at),
        "closed_at": _iso(act.at),
        "contracts": [
            {"number": row.number, "ends_on": row.ends_on.isoformat() if row.ends_on else None}
            for row in Contract.select().where(own).order_by(Contract.number)
        ],
        "accounts": [_account(row) for row in accounts],
        "removed_bytes": sum(row.removed_bytes for row in accounts),
        "removed_objects": sum(row.removed_objects for row in accounts),
        "method": METHOD,
        "kept": [
            {"what": KEPT[name], "class": name, "until_on": record_classes.delete_after(name, day).isoformat(),
             "basis": record_classes.CLASSES[name].basis}
            for name in KEPT
        ],
        "backups": BACKUPS,
    }  # fmt: skip


def _asked_by(settings: Settings, closure: Closure) -> str:
    """The paper goes to third parties: of the provider's people it names nobody, also not who granted a request."""
    kind, _colon, number = closure.asked_by.partition(":")
    member = Member.get_or_none(Member.id == int(number)) if kind == "member" and number.isdecimal() else None
    if member is not None:
        return member.name
    return closure.partner.legal_name if kind in ("member", "partner") else settings.provider.name


def _account(row: ClosureAccount) -> dict:
    return {
        "number": row.number,
        "account": row.remote_uid,
        "region": row.region,
        "found_bytes": row.found_bytes,
        "found_objects": row.found_objects,
        "removed_bytes": row.removed_bytes,
        "removed_objects": row.removed_objects,
        "begun_at": _iso(row.begun_at),
        "ended_at": _iso(row.ended_at),
        "verified": row.verified,
    }


def _blocks(facts: dict, language: str, settings: Settings) -> list[pdf.Block]:
    _ = _words(language).gettext
    when = functools.partial(_when, language=language, zone=settings.provider.time_zone)
    contracts = ", ".join(row["number"] for row in facts["contracts"])
    accounts, kept = facts["accounts"], [(row["what"], row["until_on"], row["basis"]) for row in facts["kept"]]
    return [
        pdf.Facts(
            [
                (_("Certificate"), facts["certificate"]),
                (_("Partner"), facts["partner"]),
                (_("Register number"), facts["register_number"] or "–"),
                (_("Contracts"), contracts),
                (_("Announced"), when(facts["asked_at"])),
                (_("Announced by"), facts["asked_by"]),
                (_("End of the contract"), when(facts["notice_until_at"])),
                (_("Data could be fetched until"), when(facts["retrieval_until_at"])),
                (_("Removing began"), when(facts["purge_from_at"])),
                (_("Everything gone"), when(facts["closed_at"])),
                (_("Removed bytes"), capacity.exact_bytes(facts["removed_bytes"], language)),
                (_("Removed objects"), capacity.exact_bytes(facts["removed_objects"], language)),
            ]
        ),
        pdf.Heading(_("How it was removed")),
        pdf.Paragraph(_(METHOD)),
        pdf.Heading(_("Storage accounts")),
        *_accounts(accounts, language, when),
        pdf.Heading(_("What is kept, and until when")),
        pdf.Rows(
            [_("Records"), _("Kept until"), _("Basis")],
            [(_(what), _day(until_on, language), basis) for what, until_on, basis in kept],
        ),
        pdf.Paragraph(_(BACKUPS)),
    ]


def _accounts(accounts: list[dict], language: str, when) -> list[pdf.Block]:
    _ = _words(language).gettext
    if not accounts:
        return [pdf.Paragraph(_("There was no storage account."))]
    heads = [_("Account"), _("Removed bytes"), _("Objects"), _("From"), _("Until"), _("Answer")]
    rows = [
        (
            row["account"], capacity.exact_bytes(row["removed_bytes"], language),
            capacity.exact_bytes(row["removed_objects"], language), when(row["begun_at"]), when(row["ended_at"]),
            row["verified"],
        )
        for row in accounts[:MOST_ROWS]
    ]  # fmt: skip
    blocks: list[pdf.Block] = [pdf.Rows(heads, rows)]
    if len(accounts) > MOST_ROWS:
        blocks.append(pdf.Paragraph(_("The file in JSON lists all %(count)s accounts.") % {"count": len(accounts)}))
    if any(row["verified"] == NO_SUCH_USER for row in accounts):
        text = _("%(answer)s: the storage service does not know the account any more.")
        blocks.append(pdf.Paragraph(text % {"answer": NO_SUCH_USER}))
    return blocks


def _language(settings: Settings, closure: Closure) -> str:
    """That of the first administrator, else the portal's."""
    admins = Member.select().where(Member.partner == closure.partner, Member.role == "admin", Member.active)
    first = admins.order_by(Member.id).first()
    return first.locale if first else settings.locales[0]


@functools.cache
def _words(language: str) -> NullTranslations:
    return Translations.load(ROOT / "translations", [language])


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _when(text: str | None, *, language: str, zone: str) -> str:
    if text is None:
        return "–"
    return format_datetime(datetime.fromisoformat(text), "short", tzinfo=ZoneInfo(zone), locale=language)


def _day(text: str, language: str) -> str:
    return format_date(datetime.fromisoformat(text).date(), "medium", locale=language)
