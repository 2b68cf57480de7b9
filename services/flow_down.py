"""Terms for end customers (T2): which are in force, how a customer agreed to them, and until when that holds."""

from datetime import datetime, timedelta

from models.base import locked, write_tx
from models.flow_down import IN_FORCE_STATES, KIND, FlowDown
from models.partner import Partner
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import documents, policy
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal


class FlowDownRefused(Refusal):
    """Nothing was recorded or sent."""


def in_force(at: datetime, language: str) -> TermsVersion:
    """The terms in force, in the language where that exists. Raises FlowDownRefused while there are none."""
    version = documents.current(KIND, language, at)
    if version is None:
        raise FlowDownRefused(N_("The terms for end customers are not published yet. Please ask support."))
    return version


def own_locked(partner: Partner, number: str) -> SubAccount:
    """The partner's sub-account, locked. Raises NotFound for what is not theirs, FlowDownRefused once it is deleted."""
    row = SubAccount.select().where(SubAccount.partner == partner, SubAccount.number == number)
    account = locked(row).first()
    if account is None:
        raise NotFound()
    if account.wanted_state == "deleted":
        raise FlowDownRefused(N_("This sub-account is deleted. It needs no agreement any more."))
    return account


def latest_way(account: SubAccount, version: TermsVersion) -> str | None:
    """How the customer agreed to this version, whatever its language; None when it did not."""
    same = (FlowDown.sub_account == account) & (TermsVersion.label == version.label)
    row = FlowDown.select(FlowDown.way).join(TermsVersion).where(same).order_by(FlowDown.id.desc()).first()
    return row.way if row else None


def document(act: Act, partner: Partner | None, number: str, public_id: str) -> StoredFile:
    """The document that was handed in with a confirmation, for a download that the trail records. `partner`: whose it
    must be; None for the provider's staff. Raises NotFound for unknown and foreign ones alike."""
    own = (SubAccount.number == number) & (StoredFile.public_id == public_id)
    if partner is not None:
        own &= SubAccount.partner == partner
    row = FlowDown.select(FlowDown, SubAccount, StoredFile).join(SubAccount).switch(FlowDown).join(StoredFile)
    found = row.where(own).first()
    if found is None:
        raise NotFound()
    account, file = found.sub_account, found.document
    with write_tx():
        record(act, "flow_down.document_fetched", account, partner=account.partner_id, after={"document": file.name})
    return file


def renewal_due_at(agreed: TermsVersion, at: datetime) -> datetime | None:
    """Until when the agreement to this version has to be renewed: the rule's days after the next one took effect. None
    while there is no newer one."""
    newer = (
        TermsVersion.select(TermsVersion.effective_at)
        .where(
            TermsVersion.kind == KIND,
            TermsVersion.state.in_(IN_FORCE_STATES),
            TermsVersion.label != agreed.label,
            TermsVersion.effective_at >= agreed.effective_at,
            TermsVersion.effective_at <= at,
            (TermsVersion.effective_at > agreed.effective_at) | (TermsVersion.id > agreed.id),
        )
        .order_by(TermsVersion.effective_at)
        .first()
    )
    return newer.effective_at + timedelta(days=policy.current().flow_down_renewal_days) if newer else None
