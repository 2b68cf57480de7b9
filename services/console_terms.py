"""The terms for end customers in the console: who signs in answers them before anything else, with the evidence of a
mailed link (T2, legal.md 4.2; services/flow_down_answers.py).

Where the partner confirms the agreement from its own contract, that is the way of this sub-account, and it goes on with
new versions: nobody is asked here, but can agree. Everybody else is asked for each version that comes into force.
"""

from dataclasses import dataclass
from datetime import datetime

from models.base import locked, write_tx
from models.console import ConsoleUser
from models.flow_down import CustomerAcceptance, FlowDown
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import attempts, documents, flow_down_answers, flow_down_links
from services.audit import Act
from services.flow_down import FlowDownRefused, in_force, latest_way
from services.flow_down_answers import Answer, Asked
from services.refusal import N_
from services.settings import Settings

METHOD = "console_tick_box_and_button"


@dataclass(frozen=True)
class Terms:
    """`version` in force in the reader's language, None while there is none; `agreed`: the record by which it was
    agreed to, `refused`: the answer that it is not; `wanted`: it comes before anything else."""

    version: TermsVersion | None
    agreed: FlowDown | None
    refused: CustomerAcceptance | None
    wanted: bool


def of(account: SubAccount, language: str, at: datetime) -> Terms:
    """How the terms stand for this sub-account at `at`, with the version in force in the language where that exists."""
    version = documents.current("flow_down", language, at)
    if version is None:
        return Terms(None, None, None, False)
    records = FlowDown.select(FlowDown, TermsVersion).join(TermsVersion).where(FlowDown.sub_account == account)
    latest = records.order_by(FlowDown.id.desc()).first()
    agreed = records.where(TermsVersion.label == version.label).order_by(FlowDown.id.desc()).first()
    answers = CustomerAcceptance.select().join(TermsVersion).where(
        CustomerAcceptance.sub_account == account, TermsVersion.label == version.label
    )  # fmt: skip
    answer = answers.order_by(CustomerAcceptance.id.desc()).first()
    refused = answer if agreed is None and answer is not None and answer.outcome == "declined" else None
    attested = latest is not None and latest.way == "attested"
    return Terms(version, agreed, refused, agreed is None and not attested)


def accept(act: Act, settings: Settings, user: ConsoleUser, answer: Answer) -> CustomerAcceptance:
    """Records that the customer agrees; a link that waits in a mail is not needed any more. Raises TextStale,
    AnswerRefused, TooManyAttempts, FlowDownRefused when it was agreed to meanwhile."""
    attempts.count(act, user.email, attempts.AGREE)
    with write_tx():
        _hold(user, act.at)
        row = flow_down_answers.agreed(act, settings, _asked(user), answer)
        flow_down_links.end(act, user.sub_account, "attested", told=False)
    return row


def decline(act: Act, settings: Settings, user: ConsoleUser, answer: Answer) -> CustomerAcceptance:
    """Records that the customer does not agree, once for each version, and tells the partner. Raises as `accept`."""
    attempts.count(act, user.email, attempts.AGREE)
    with write_tx():
        _hold(user, act.at)
        known = of(user.sub_account, user.locale, act.at).refused
        return known or flow_down_answers.refused(act, settings, _asked(user), answer)


def _hold(user: ConsoleUser, at: datetime) -> None:
    """The sub-account's row is the lock of whatever is agreed for it."""
    account = locked(SubAccount.select().where(SubAccount.id == user.sub_account_id)).get()
    if latest_way(account, in_force(at, user.locale)) is not None:
        raise FlowDownRefused(N_("These terms were agreed to meanwhile. Nothing more is needed."))
    user.sub_account = account


def _asked(user: ConsoleUser) -> Asked:
    return Asked(user.sub_account, user.email, user.locale, METHOD)
