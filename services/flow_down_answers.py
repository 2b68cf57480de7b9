"""What a customer answers by its link: it agrees, or it does not, once (T2). The evidence is kept like a partner's
consent (legal.md 4.2): exact text, words of the page, time, place, and a chain of hashes over all of it.
"""

from dataclasses import dataclass
from datetime import datetime

from models.base import locked, write_tx
from models.flow_down import KIND, CustomerAcceptance, FlowDown, FlowDownLink
from models.partner import Partner
from models.sub_account import Customer, SubAccount
from models.terms import TermsVersion
from services import (
    attempts,
    documents,
    flow_down_keys,
    flow_down_links,
    flow_down_receipt,
    flow_down_records,
    legal_text,
    names,
)
from services.audit import Act, record
from services.clock import local_day
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

METHOD = "link_tick_box_and_button"
LONGEST_REASON = 1000
ENDED = {
    "withdrawn": N_("This link was taken back by whoever sent it."),
    "replaced": N_("A newer link was sent to you. Please use the one in the latest mail."),
    "attested": N_("Your agreement was recorded in another way on %(ended_at)s. Nothing more is needed."),
    "accepted": N_("These terms were agreed to by this link on %(ended_at)s. The receipt was sent by mail."),
    "declined": N_("By this link it was answered on %(ended_at)s that the terms are not agreed to."),
}


class LinkOver(Refusal):
    """The link was answered, taken back or replaced, or its time is up. `done`: nothing more is wanted of anybody."""

    def __init__(self, text: str, *, done: bool = False, **values: object):
        super().__init__(text, None, **values)
        self.done = done


class TextStale(Refusal):
    """What was shown is not what is in force: show the present text and ask again (409)."""

    def __init__(self) -> None:
        super().__init__(N_("A newer text was published while this page was open. Please read it and answer again."))


class AnswerRefused(Refusal):
    """Something is missing; nothing was recorded."""


@dataclass(frozen=True)
class Answer:
    """What the page sends: the text that it showed, who answers, and the exact words of box and button (`shown`)."""

    version_id: int
    sha256: str
    company: str
    person_name: str
    shown: dict
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """Who was asked, and how: by a link that was mailed, or in the console, where there is none. The sub-account's
    customer and partner are loaded."""

    account: SubAccount
    email: str
    locale: str
    method: str
    link: FlowDownLink | None = None


def look(token: str, at: datetime) -> FlowDownLink:
    """The link that can be answered, with sub-account, customer and partner; changes nothing, because mail scanners
    open every link. Raises NotFound and LinkOver."""
    link = (
        FlowDownLink.select(FlowDownLink, SubAccount, Customer, Partner)
        .join(SubAccount)
        .join(Customer)
        .switch(SubAccount)
        .join(Partner)
        .where(FlowDownLink.token_hash == flow_down_links.digest(token))
        .first()
    )
    if link is None:
        raise NotFound()
    if link.outcome:
        done = link.outcome in ("accepted", "attested")
        raise LinkOver(ENDED[link.outcome], done=done, ended_at=link.ended_at)
    if link.expires_at <= at:
        raise LinkOver(
            N_("The time of this link is up. It could be used until %(expires_at)s."), expires_at=link.expires_at
        )
    if link.sub_account.wanted_state == "deleted":
        raise LinkOver(N_("The storage that this link was about is deleted. Nothing more is needed."), done=True)
    return link


def accept(act: Act, settings: Settings, token: str, answer: Answer) -> CustomerAcceptance:
    """Records that the customer agrees, sends the receipt, and lets keys go that waited for it. Of two at the same
    moment one wins. Raises as `look` does, TextStale, AnswerRefused with the field, TooManyAttempts."""
    attempts.count_of_network(act, attempts.AGREE)
    with write_tx():
        link = _locked(token, act.at)
        _end(act, link, "accepted")
        return agreed(act, settings, asked_by_link(link), answer)


def decline(act: Act, settings: Settings, token: str, answer: Answer) -> CustomerAcceptance:
    """Records that the customer does not agree, with its reason if it gave one, and tells the partner's administrators.
    Raises as `accept` does."""
    attempts.count_of_network(act, attempts.AGREE)
    with write_tx():
        link = _locked(token, act.at)
        _end(act, link, "declined")
        return refused(act, settings, asked_by_link(link), answer)


def agreed(act: Act, settings: Settings, asked: Asked, answer: Answer) -> CustomerAcceptance:
    """The agreement of whoever was asked, with its receipt; keys that waited are made. Inside the transaction of its
    cause, with the sub-account locked. Raises TextStale, AnswerRefused."""
    row = _recorded(act, asked, _shown_version(answer, act.at), "accepted", answer)
    account = asked.account
    FlowDown.create(
        sub_account=account,
        version=row.version,
        way="accepted",
        reference="",
        agreed_on=local_day(act.at, settings.provider.time_zone),
        attested_by=row.person_name,
        attested_at=act.at,
        acceptance=row,
    )
    flow_down_keys.let_go(act, account)
    flow_down_receipt.send(act, settings, row, account, asked.locale)
    return row


def refused(act: Act, settings: Settings, asked: Asked, answer: Answer) -> CustomerAcceptance:
    """The refusal of whoever was asked; the partner is told. As `agreed`."""
    row = _recorded(act, asked, _shown_version(answer, act.at), "declined", answer)
    flow_down_receipt.tell_partner(act, settings, row, asked.account)
    return row


def asked_by_link(link: FlowDownLink) -> Asked:
    return Asked(link.sub_account, link.email, link.locale, METHOD, link)


def _end(act: Act, link: FlowDownLink, outcome: str) -> None:
    link.ended_at, link.outcome = act.at, outcome
    link.save(only=["ended_at", "outcome"])


def _locked(token: str, at: datetime) -> FlowDownLink:
    """The sub-account's row is the lock of whatever is agreed for it; what the link says is read after that."""
    link = look(token, at)
    locked(SubAccount.select().where(SubAccount.id == link.sub_account_id)).get()
    return look(token, at)


def _shown_version(answer: Answer, at: datetime) -> TermsVersion:
    """The text that the page showed, if it is the one in force, in whatever language."""
    version = TermsVersion.get_or_none(id=answer.version_id, kind=KIND)
    if version is None or version.sha256 != answer.sha256 or legal_text.digest(version.body) != answer.sha256:
        raise TextStale
    now = documents.current(KIND, version.language, at)
    if now is None or now.label != version.label:
        raise TextStale
    return version


def _recorded(act: Act, asked: Asked, version: TermsVersion, outcome: str, answer: Answer) -> CustomerAcceptance:
    account = asked.account
    row = CustomerAcceptance(
        sub_account=account,
        link=asked.link,
        version=version,
        sha256=version.sha256,
        outcome=outcome,
        method=asked.method,
        sub_account_number=account.number,
        partner_name=account.partner.legal_name,
        customer_name=account.customer.name,
        **_who(answer, outcome),
        email=asked.email,
        reason=_plain(answer.reason, "reason") if outcome == "declined" else "",
        answered_at=act.at,
        ip=act.ip,
        user_agent=act.user_agent[:500],
        shown=answer.shown,
        request_id=act.request_id,
    )
    flow_down_records.keep(row, account.partner_id)
    after = {"flow_down_version": version.label, "language": version.language, "sha256": version.sha256}
    after |= {"company": row.company, "name": row.person_name, "email": row.email}
    record(act, f"flow_down.{outcome}", account, partner=account.partner_id, after=after)
    return row


def _who(answer: Answer, outcome: str) -> dict[str, str]:
    """Whoever refuses need not give a name."""
    if outcome == "declined" and not answer.person_name.strip():
        return {"company": "", "person_name": ""}
    return {
        "company": names.tidy(answer.company, "company") if outcome == "accepted" else "",
        "person_name": names.tidy(answer.person_name, "person_name"),
    }


def _plain(text: str, field: str) -> str:
    plain = "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()
    if len(plain) > LONGEST_REASON:
        raise AnswerRefused(N_("Write at most %(most)s characters."), field, most=LONGEST_REASON)
    return plain
