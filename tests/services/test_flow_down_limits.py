"""How many links for agreements go out in a day: to one address, and of one partner; alone, many at once, by the
worker, and at the same moment."""

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from models.flow_down import FlowDownLink
from models.lists import Asked
from models.outbox import Mail
from models.sub_account import SubAccount
from services import flow_down_bulk, flow_down_limits, flow_down_reminders, policy
from services.flow_down import FlowDownRefused
from services.flow_down_bulk import Sent
from tests.accounts import many
from tests.services.flow_downs import Agreements
from tests.services.ground import Ground
from tests.services.test_flow_down_races import at_once


@pytest.fixture
def agreements(cast, settings, clock) -> Agreements:
    """Rows that are made in great number have no books to check."""
    return Agreements(Ground(cast, settings, clock))


@pytest.fixture
def allow(agreements, cast):
    def allow(address: int = 1000, partner: int = 100_000) -> None:
        rules = {"flow_down_address_mails": address, "flow_down_partner_mails": partner}
        policy.change(agreements.act(cast.olga), rules)

    return allow


@pytest.fixture
def send_many(agreements, cast):
    def send_many(once_key: str = "once-many-limits") -> Sent:
        return flow_down_bulk.send(agreements.act(), cast.northwind, Asked(), "en", once_key)

    return send_many


def same_address(cast, clock, how_many: int, email: str = "kim@customer.example.com") -> None:
    many(cast, clock.now(), how_many, each=lambda n: {"contact_email": email})


def counts() -> tuple[int, ...]:
    return tuple(table.select().count() for table in (SubAccount, FlowDownLink, Mail, AuditEvent))


def test_a_partner_with_five_hundred_customers_sends_to_all_of_them_twice_a_day(agreements, cast, clock, send_many):
    many(cast, clock.now(), 500)
    assert send_many() == Sent(500, 0)
    act, addresses = agreements.act(), [f"second{n}@example.com" for n in range(500)]
    with write_tx():
        assert all(flow_down_limits.take(act, cast.northwind.id, addresses))
        assert flow_down_limits.take(act, cast.northwind.id, ["one@example.com"]) == [False]


def test_one_address_gets_so_many_over_all_sub_accounts_and_the_others_are_sent(
    agreements, cast, clock, send_many, allow
):
    allow(address=3)
    same_address(cast, clock, 5)
    many(cast, clock.now(), 2)
    assert send_many() == Sent(5, 2)
    assert FlowDownLink.select().where(FlowDownLink.email == "kim@customer.example.com").count() == 3
    assert send_many("once-again-limits") == Sent(0, 2)
    clock.advance(days=1)
    assert send_many("once-tomorrow") == Sent(5, 2), "three that had none or an old one, and the two others"


def test_another_spelling_and_another_partner_are_no_way_around_it(agreements, cast, allow):
    allow(address=2)
    agreements.opened("One")
    agreements.opened("Two", person=cast.charlie)
    SubAccount.update(contact_email="KIM@customer.example.com").where(SubAccount.name == "One").execute()
    FlowDownLink.update(email="other@example.com").execute()
    with pytest.raises(FlowDownRefused) as refused:
        agreements.send(SubAccount.get(SubAccount.name == "One"))
    assert (refused.value.field, refused.value.values["address"]) == ("contact_email", "KIM@customer.example.com")


@pytest.mark.parametrize(("rule", "field"), [({"address": 1}, "contact_email"), ({"partner": 10}, "way")])
def test_a_sub_account_over_the_limit_is_not_opened_and_leaves_nothing(
    agreements, cast, clock, send_many, allow, rule, field
):
    allow(**rule)
    if "partner" in rule:
        many(cast, clock.now(), 10)
        send_many()
    else:
        agreements.opened("First")
    before = counts()
    for _ in range(2):
        with pytest.raises(FlowDownRefused) as refused:
            agreements.opened("Over")
        assert refused.value.field == field and refused.value.values["next_at"] > clock.now()
    assert counts() == before
    assert agreements.opened("By its word", "attested")
    clock.advance(days=1)
    assert agreements.opened("Over")


def test_a_partner_sends_so_many_a_day_and_the_rest_the_day_after(agreements, cast, clock, send_many, allow):
    allow(partner=10)
    many(cast, clock.now(), 15)
    assert send_many() == Sent(10, 5)
    agreements.opened("Foreign", person=cast.charlie)
    clock.advance(days=1)
    assert send_many("once-tomorrow") == Sent(10, 5)
    of_northwind = FlowDownLink.select(FlowDownLink.sub_account).join(SubAccount)
    got_one = of_northwind.where(SubAccount.partner == cast.northwind).distinct()
    assert got_one.count() == 15, "those who got none yesterday came first"


def test_reminders_count_and_wait_without_standing_in_the_way(
    agreements, cast, clock, settings, send_many, allow, monkeypatch
):
    allow(address=1000)
    same_address(cast, clock, 5)
    clock.advance(minutes=1)
    send_many()
    clock.advance(minutes=1)
    other = agreements.opened("Other", person=cast.charlie)
    FlowDownLink.update(email="c@example.com").where(FlowDownLink.sub_account == other).execute()
    SubAccount.update(contact_email="c@example.com").where(SubAccount.id == other.id).execute()
    allow(address=2)
    clock.advance(days=7)
    monkeypatch.setattr(flow_down_reminders, "MOST_A_ROUND", 2)
    rounds = [flow_down_reminders.remind(agreements.act(), settings) for _ in range(3)]
    assert rounds == [2, 1, 0]
    clock.advance(days=1)
    assert flow_down_reminders.remind(agreements.act(), settings) == 2
    with pytest.raises(FlowDownRefused):
        agreements.opened("Sixth")


def test_two_at_the_same_moment_count_two(agreements, cast, clock, allow):
    allow(address=2)
    same_address(cast, clock, 6)
    accounts = list(SubAccount.select().order_by(SubAccount.id))
    outcomes = at_once(*[lambda account=account: agreements.send(account) for account in accounts])
    assert sum(isinstance(outcome, FlowDownLink) for outcome in outcomes) == 2
    assert sum(isinstance(outcome, FlowDownRefused) for outcome in outcomes) == 4
    assert FlowDownLink.select().count() == Mail.select().where(Mail.template == "flow_down_link").count() == 2


def test_two_partners_that_send_to_the_same_people_do_not_wait_for_each_other_for_ever(cast, agreements, allow):
    addresses = [f"person{n}@example.com" for n in range(200)]

    def take_often(partner, order):
        rounds = 0
        for _ in range(15):
            with write_tx():
                rounds += all(flow_down_limits.take(agreements.act(), partner.id, order))
        return rounds

    allow()
    ways = ((cast.northwind, addresses), (cast.contoso, addresses[::-1]))
    assert at_once(*[lambda way=way: take_often(*way) for way in ways]) == [15, 15]
