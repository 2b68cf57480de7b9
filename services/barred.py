"""Companies that are barred (T9): known again by what identifies them, and refused without a word about why.

An application is never looked at while it is being sent: a barred company's sees the same pages, after the same work,
as everybody's. At the desk it is marked; it cannot be approved; and within two days or so, at a time of its own, it is
refused by the same mail as any.

What counts: register number within its country, VAT number, and the mail addresses of its people; each of these alone
is enough. A name that looks the same in the same country is only a hint: companies may be called alike, and nobody is
refused for a stranger's name. The domain of a mail address is no sign at all: thousands share one.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from functools import partial

from peewee import fn

from models.base import write_tx
from models.partner import Member, Partner
from models.verification import BarredKey
from services import look_alikes, names, one_by_one
from services.audit import Act, record
from services.desk import UNDECIDED, DecisionRefused, locked_known, tell_admins
from services.refusal import N_
from services.settings import Settings

SURE = ("register", "vat", "mail")
ANSWER_AFTER = timedelta(hours=20)
ANSWER_WITHIN = timedelta(hours=60)
BATCH = 50


def identity(partner: Partner) -> dict[str, set[str]]:
    """By kind, what this company is known by, normalised."""
    country = partner.country
    mails = Member.select(Member.email_key).where(Member.partner == partner)
    found = {
        "register": {f"{country}:{_plain(partner.register_number)}"} if _plain(partner.register_number) else set(),
        "vat": {_plain(partner.vat_id)} if _plain(partner.vat_id) else set(),
        "mail": {member.email_key for member in mails},
        "name": {f"{country}:{look_alikes.skeleton(partner.legal_name)}"},
    }
    return {kind: {_digest(kind, text) for text in texts} for kind, texts in found.items()}


def remember(act: Act, partner: Partner) -> None:
    """Keeps the digests of what the company is known by, in the transaction of the bar."""
    for kind, hashes in identity(partner).items():
        for key_hash in sorted(hashes):
            BarredKey.insert(
                partner=partner, kind=kind, key_hash=key_hash, created_at=act.at
            ).on_conflict_ignore().execute()


def forget(partner: Partner) -> None:
    BarredKey.delete().where(BarredKey.partner == partner).execute()


def matches(partner: Partner, kinds: tuple[str, ...] = (*SURE, "name")) -> list[Partner]:
    """The barred companies that this one is, by the given kinds, or may be (name)."""
    hashes = [key_hash for kind in kinds for key_hash in identity(partner)[kind]]
    found = BarredKey.select(BarredKey.partner).where(BarredKey.key_hash.in_(hashes), BarredKey.partner != partner)
    return list(Partner.select().where(Partner.id.in_(found)).order_by(Partner.id))


def refuse(partner: Partner) -> None:
    """Raises DecisionRefused for an application of a barred company."""
    found = matches(partner, SURE)
    if found:
        raise DecisionRefused(
            N_("This company is barred (%(name)s). Lift the bar first, or refuse the application."),
            name=found[0].legal_name,
        )


def answer_due(act: Act, settings: Settings) -> int:
    """Refuses the applications of barred companies whose time has come, as a job of the worker; the applicant reads
    what every refused one reads. Returns how many were refused."""
    if not BarredKey.select().exists():
        return 0
    old = Partner.select(Partner.id).where(Partner.state.in_(UNDECIDED), Partner.applied_at <= act.at - ANSWER_AFTER)
    some = old.order_by(fn.RANDOM()).limit(BATCH)
    return one_by_one.rows(act, "answer to applicant", some, partial(_answer, act, settings))


def answer_at(settings: Settings, partner: Partner) -> datetime:
    """When this application is refused: within two days, as people do it, and nobody outside can tell when. An answer
    that always came after the same time would tell that no person had looked."""
    key, text = settings.secret_key.reveal().encode(), f"barred application\n{partner.id}"
    number = int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8])
    seconds = number % int((ANSWER_WITHIN - ANSWER_AFTER).total_seconds())
    return partner.applied_at + ANSWER_AFTER + timedelta(seconds=seconds)


def _is_due(act: Act, settings: Settings, partner: Partner) -> bool:
    return answer_at(settings, partner) <= act.at and bool(matches(partner, SURE))


def _answer(act: Act, settings: Settings, partner_id: int) -> bool:
    if not _is_due(act, settings, Partner.get_by_id(partner_id)):  # before anything is locked
        return False
    with write_tx():
        try:
            partner = locked_known(partner_id, UNDECIDED, None)
        except DecisionRefused:
            return False
        if not matches(partner, SURE):
            return False
        before = {"state": partner.state}
        partner.state, partner.decided_at, partner.decision_note = "refused", act.at, ""
        partner.save(only=["state", "decided_at", "decision_note"])
        record(act, "partner.refused", partner, partner=partner, before=before, after={"state": "refused"})
        tell_admins(act, settings, partner, "application_refused", None)
    return True


def _plain(text: str) -> str:
    """Without case, width, blanks and signs: how people write a number differs."""
    return "".join(sign for sign in names.key(text) if sign.isalnum())


def _digest(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}:{text}".encode()).hexdigest()
