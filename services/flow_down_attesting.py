"""The partner confirms that its customer has agreed to the terms for end customers, or to equivalent ones (T2)."""

from dataclasses import dataclass
from datetime import date

from models.base import write_tx
from models.flow_down import FlowDown
from models.partner import Partner
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import flow_down, flow_down_keys, flow_down_links, names, once, uploads
from services.audit import Act, record
from services.clock import local_day
from services.flow_down import FlowDownRefused
from services.refusal import N_
from services.settings import Settings
from services.uploads import CheckedPdf

OLDEST_AGREEMENT_ON = date(1990, 1, 1)


@dataclass(frozen=True)
class Attestation:
    """What a partner confirms: the customer agreed on `agreed_on`, in the contract `reference`. `document`: a PDF that
    shows it, or None."""

    reference: str
    agreed_on: date
    document: CheckedPdf | None = None


def attest(
    act: Act, settings: Settings, partner: Partner, number: str, said: Attestation, once_key: str
) -> FlowDown | None:
    """Records that the partner confirms its customer's agreement to the terms in force; a link that waits ends. The
    same `once_key` again records nothing (None). Raises FlowDownRefused with the field, NotFound."""
    refuse_unfit(act, settings, said)
    version = flow_down.in_force(act.at, settings.locales[0])
    content = f"attest {number} {content_of(said)}"
    with write_tx():
        account = flow_down.own_locked(partner, number)
        if once.earlier_answer(act, once_key, content) is not None:
            return None
        if flow_down.latest_way(account, version) == "accepted":
            raise FlowDownRefused(N_("The customer has agreed to this version itself. Nothing has to be confirmed."))
        flow_down_links.end(act, account, "attested")
        row = record_attested(act, account, version, said)
        flow_down_keys.let_go(act, account)
        once.remember(act, once_key, content, str(row.id))
    return row


def content_of(said: Attestation | None) -> str:
    """What tells two confirmations apart, for one-time keys."""
    if said is None:
        return ""
    name, sha256 = (said.document.name, said.document.sha256) if said.document else ("", "")
    return f"{said.reference!r} {said.agreed_on} {name!r} {sha256}"


def refuse_unfit(act: Act, settings: Settings, said: Attestation) -> None:
    """Raises FlowDownRefused with the field for an empty reference and a day that cannot be."""
    if not said.reference.strip():
        raise FlowDownRefused(N_("Enter the number or date by which you find that contract again."), "reference")
    today = local_day(act.at, settings.provider.time_zone)
    if not OLDEST_AGREEMENT_ON <= said.agreed_on <= today:
        raise FlowDownRefused(
            N_("Enter the day on which the customer agreed, at the latest today, %(today_on)s."),
            "agreed_on",
            today_on=today,
        )


def record_attested(act: Act, account: SubAccount, version: TermsVersion, said: Attestation) -> FlowDown:
    """The record and its trail, inside the caller's transaction. Raises NameRefused."""
    file: StoredFile | None = uploads.keep_pdf(act, said.document) if said.document else None
    row = FlowDown.create(
        sub_account=account,
        version=version,
        way="attested",
        reference=names.tidy(said.reference, "reference"),
        agreed_on=said.agreed_on,
        attested_by=act.actor_name,
        attested_at=act.at,
        document=file,
    )
    after = {
        "flow_down_version": version.label,
        "flow_down_reference": row.reference,
        "flow_down_agreed_on": row.agreed_on,
        **({"document": file.name, "sha256": file.sha256} if file else {}),
    }
    record(act, "flow_down.attested", account, partner=account.partner_id, after=after)
    return row
