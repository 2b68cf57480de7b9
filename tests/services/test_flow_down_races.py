"""Two at the same moment: one answer of a customer, and an answer beside the partner's word."""

import threading

import pytest

from models.base import database
from models.flow_down import CustomerAcceptance, FlowDown, FlowDownLink
from models.outbox import Mail
from models.sub_account import SubAccount
from services import evidence
from services.flow_down import FlowDownRefused
from services.flow_down_answers import LinkOver
from tests.services.flow_downs import Agreements


@pytest.fixture
def agreements(ground) -> Agreements:
    return Agreements(ground)


def at_once(*acts) -> list:
    """Runs each in a thread of its own; what came of each, its refusal included."""
    barrier, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act) -> None:
        with database.connection_context():
            barrier.wait()
            try:
                outcomes[number] = act()
            except (LinkOver, FlowDownRefused) as refusal:
                outcomes[number] = refusal

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_two_devices_at_once_give_one_agreement(agreements):
    account = agreements.opened("Müller GmbH")
    token = agreements.token(account)
    outcomes = at_once(*[lambda: agreements.accept(account, token=token)] * 4)
    assert sum(isinstance(outcome, CustomerAcceptance) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LinkOver) for outcome in outcomes) == 3
    assert CustomerAcceptance.select().count() == FlowDown.select().count() == evidence.head().number - before(account)
    assert Mail.select().where(Mail.template == "flow_down_receipt").count() == 1


def before(account: SubAccount) -> int:
    """Evidence of other things."""
    return evidence.head().number - CustomerAcceptance.select().count()


def test_agreeing_and_refusing_at_once_gives_one_answer(agreements):
    account = agreements.opened("Müller GmbH")
    at_once(lambda: agreements.accept(account), lambda: agreements.decline(account))
    [row] = CustomerAcceptance.select()
    assert FlowDownLink.get().outcome == row.outcome
    assert FlowDown.select().count() == (1 if row.outcome == "accepted" else 0)


def test_the_customer_agrees_while_the_partner_confirms_and_one_of_them_counts(agreements):
    for name in ("A", "B", "C", "D"):
        account = agreements.opened(name)
        token = agreements.token(account)
        answer, word = at_once(
            lambda account=account, token=token: agreements.accept(account, token=token),
            lambda account=account: agreements.attest(account),
        )
        [row] = FlowDown.select().where(FlowDown.sub_account == account)
        link = FlowDownLink.get(FlowDownLink.sub_account == account)
        if row.way == "accepted":
            assert isinstance(answer, CustomerAcceptance) and isinstance(word, FlowDownRefused)
        else:
            assert isinstance(answer, LinkOver) and isinstance(word, FlowDown)
        assert link.outcome == row.way
