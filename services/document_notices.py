"""Who is told of a published version: by mail, in bounded batches, each person once (legal.md 4.2)."""

from functools import partial
from typing import Any

from peewee import fn

from models.base import locked, write_tx
from models.partner import Member, Partner
from models.terms import TermsTold, TermsVersion
from services import consent_records, documents, mail, one_by_one
from services.audit import Act, record
from services.clock import local_day
from services.settings import Settings

BATCH = 50
# applicants have no portal yet that could end for them: once approved, it asks them itself
TOLD_STATES = ("active", "suspended", "closing")
UNTOLD = (TermsVersion.state.in_(documents.OPEN_STATES)) & TermsVersion.told_at.is_null()


def tell(act: Act, settings: Settings) -> bool:
    """Queues the next mails about the version that was published first of those not told yet; True when there may be
    more. Safe with several workers at once: the version's row is locked. A version of which some are told
    later, because telling them rests after a fault, holds up no other."""
    waiting = TermsVersion.select().where(UNTOLD, TermsVersion.published_at <= act.at)
    for version in waiting.order_by(TermsVersion.published_at, TermsVersion.id):
        batch = _untold(version).select(Member.id).limit(BATCH)
        name = f"mail about {version.kind} {version.label} to member"
        written = one_by_one.rows(act, name, batch, partial(_tell, act, settings, version.id))
        ended = written < BATCH and _end(act, version)
        if written or ended:
            return True
    return False


def told(kind: str, label: str) -> int:
    """How many people were told of a version."""
    return TermsTold.select().where(TermsTold.kind == kind, TermsTold.label == label).count()


def _untold(version: TermsVersion) -> Any:
    """Those who can accept it for their company; of what is personal, everybody."""
    done = TermsTold.select(TermsTold.member).where(
        TermsTold.kind == version.kind, TermsTold.label == version.label, TermsTold.member == Member.id
    )
    query = (
        Member.select(Member, Partner)
        .join(Partner)
        .where(
            Member.active,
            Member.email_confirmed_at.is_null(False),
            Partner.state.in_(TOLD_STATES),
            ~fn.EXISTS(done),
        )
        .order_by(Member.id)
    )
    return query if version.kind in documents.PERSONAL else query.where(Member.role == "admin")


def _tell(act: Act, settings: Settings, version_id: int, member_id: int) -> bool:
    """False when another worker was first, or the member is not who it was."""
    with write_tx():
        version = locked(TermsVersion.select().where(TermsVersion.id == version_id)).get()
        member = _untold(version).where(Member.id == member_id).first() if version.told_at is None else None
        if member is None:
            return False
        texts = documents.texts_of(version.kind, version.label)
        _queue(act, settings, member, texts.get(member.locale) or texts.get(version.binding) or version)
    return True


def _queue(act: Act, settings: Settings, member: Member, text: TermsVersion) -> None:
    TermsTold.create(kind=text.kind, label=text.label, member=member, told_at=act.at)
    consent_records.happened(act, "notified", member, text, recipient=member.email)
    mail.queue(
        act,
        settings,
        "document_published",
        to=member.email,
        locale=member.locale,
        of_partner=member.partner_id,
        path=f"/terms/{text.kind}/{text.label}/{text.language}",
        name=member.name,
        company=member.partner.legal_name,
        version=text,
        starts_on=local_day(text.effective_at, settings.provider.time_zone),
        for_customers=text.kind in documents.NOT_AT_SIGN_UP,
        personal=text.kind in documents.PERSONAL,
        changes_path=f"/terms/{text.kind}/{text.label}/changes" if documents.label_before(text) else "",
    )


def _end(act: Act, version: TermsVersion) -> bool:
    """False while somebody is to be told."""
    if _untold(version).exists():
        return False
    same = (TermsVersion.kind == version.kind) & (TermsVersion.label == version.label)
    with write_tx():
        if TermsVersion.update(told_at=act.at).where(same, UNTOLD).execute():
            count = told(version.kind, version.label)
            record(act, "terms.told", version, after={"kind": version.kind, "label": version.label, "count": count})
    return True
