"""What goes by mail after a customer's answer: the receipt to the customer, a word to the partner after a refusal."""

from datetime import datetime
from functools import cache

from babel.support import Translations

from models.flow_down import CustomerAcceptance
from models.sub_account import SubAccount
from services import mail, pdf
from services.audit import Act
from services.refusal import N_
from services.settings import Settings
from services.verification import tell_admins

TITLE = N_("Receipt: terms for end customers")


def send(act: Act, settings: Settings, row: CustomerAcceptance, account: SubAccount, locale: str) -> None:
    """The receipt with the text as PDF, to the address that was asked, in the caller's transaction."""
    version, name = row.version, f"receipt-{row.version.kind}-{row.version.label}.pdf"
    mail.queue(
        act, settings, "flow_down_receipt", to=row.email, locale=locale,
        of_partner=account.partner_id,
        attachments=[(name, "application/pdf", paper(settings, row, locale))],
        name=row.person_name, company=row.company, partner=row.partner_name, accepted_at=row.answered_at,
        accepted=[(version.title, version.label, version.language, version.sha256)], ip=row.ip,
    )  # fmt: skip


def tell_partner(act: Act, settings: Settings, row: CustomerAcceptance, account: SubAccount) -> None:
    """A mail to each administrator of the partner: the customer does not agree."""
    tell_admins(
        act, settings, account.partner, "flow_down_declined", f"/sub-accounts/{account.number}",
        account=account, customer=row.customer_name, person=row.person_name, reason=row.reason,
        label=row.version.label,
    )  # fmt: skip


def paper(settings: Settings, row: CustomerAcceptance, locale: str) -> bytes:
    """The receipt as PDF: what was recorded, then the text that was agreed to, as it was digested."""
    words, version = _translations(locale).gettext, row.version
    facts = [
        (words(N_("Document")), f"{version.title}, {version.label} ({version.language})"),
        (words(N_("SHA-256 of the text")), version.sha256),
        (words(N_("Agreed for")), row.company),
        (words(N_("Agreed by")), row.person_name),
        (words(N_("Mail address")), row.email),
        (words(N_("Time")), _moment(row.answered_at)),
        (words(N_("Network address")), row.ip),
        (words(N_("Program")), row.user_agent),
        (words(N_("Storage from")), row.partner_name),
        (words(N_("Sub-account")), row.sub_account_number),
        (words(N_("Text of the box")), str(row.shown.get("box", ""))),
        (words(N_("Text of the button")), str(row.shown.get("button", ""))),
        (words(N_("SHA-256 of this record")), row.hash),
    ]
    blocks: list[pdf.Block] = [pdf.Facts(facts), pdf.Heading(version.title), pdf.Preformatted(version.body)]
    return pdf.document(
        words(TITLE), blocks, language=locale, provider=settings.provider.name, created_at=row.answered_at
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


@cache
def _translations(locale: str) -> Translations:
    return Translations.load(mail.ROOT / "translations", [locale])  # type: ignore[return-value]
