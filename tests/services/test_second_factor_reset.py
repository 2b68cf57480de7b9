"""Lost factors: somebody else asks, the person is told, and nothing happens for a day."""

import re

import pytest

from models.operator import Operator
from models.outbox import Mail
from models.partner import Member
from models.second_factor import FactorReset
from services import factor_resets, log_in, second_factor
from services.factor_resets import ResetRefused
from services.links import LinkExpired, LinkUsed
from services.log_in import PasswordDue
from services.refusal import NotFound
from services.sweep import sweep
from tests.services.factors import with_app

WHY = "He called, and I know his voice."


def templates() -> list[str]:
    return [mail.template for mail in Mail.select().order_by(Mail.id)]


def token() -> str:
    text = Mail.select().where(Mail.template == "factor_reset_asked").order_by(Mail.id.desc()).get().text
    return re.search(r"/security/keep/([\w-]+)", text)[1]


@pytest.fixture
def bob(cast, settings, acting):
    with_app(acting(cast.bob), settings, cast.bob)
    return cast.bob


def test_an_administrator_resets_after_a_day(cast, settings, acting, clock, bob):
    factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    assert templates()[-1] == "factor_reset_asked"
    clock.advance(hours=23, minutes=59)
    assert not [line for line in sweep(acting(), settings) if "second factor" in line]
    assert second_factor.has(bob)
    clock.advance(minutes=1)
    assert f"second factor of member:{bob.id} removed" in sweep(acting(), settings)
    assert not second_factor.has(bob)
    assert templates()[-1] == "factor_reset_done"
    assert sweep(acting(), settings) == []


def test_afterwards_the_old_password_opens_nothing(cast, settings, acting, clock, bob):
    factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    clock.advance(hours=24)
    for _ in (1, 2):  # the log-in itself finds what is due
        with pytest.raises(PasswordDue):
            log_in.check(acting(), settings, bob.email, cast.password)
    assert not second_factor.has(bob)


def test_the_person_stops_it_by_the_link_once(cast, settings, acting, clock, bob):
    factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    link = token()
    factor_resets.keep_by_link(acting(), link)
    with pytest.raises((LinkUsed, LinkExpired)):
        factor_resets.keep_by_link(acting(), link)
    clock.advance(hours=25)
    sweep(acting(), settings)
    assert second_factor.has(bob)


def test_it_can_be_asked_for_again_after_it_was_stopped(cast, settings, acting, bob):
    factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    with pytest.raises(ResetRefused, match="already"):
        factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    assert factor_resets.cancel(acting(bob), bob, "log-in") is True
    assert factor_resets.cancel(acting(bob), bob, "log-in") is False
    factor_resets.ask(acting(cast.alice), settings, cast.alice, bob, WHY)
    assert FactorReset.select().count() == 2


def test_who_may_not_ask_learns_nothing(cast, settings, acting, bob):
    with_app(acting(cast.charlie), settings, cast.charlie)
    with_app(acting(cast.olga), settings, cast.olga)
    nobody = [(cast.charlie, bob), (cast.alice, cast.charlie), (cast.vera, bob), (cast.alice, cast.olga)]
    for asker, person in [*nobody, (cast.oscar, cast.olga)]:
        with pytest.raises(NotFound):
            factor_resets.ask(acting(asker), settings, asker, person, WHY)
    assert FactorReset.select().count() == 0


def test_nobody_asks_for_themselves_or_for_who_has_none_or_without_a_reason(cast, settings, acting, bob):
    with_app(acting(cast.alice), settings, cast.alice)
    for person, reason in ((cast.alice, WHY), (cast.vera, WHY), (bob, "  "), (bob, "x" * 501)):
        with pytest.raises(ResetRefused):
            factor_resets.ask(acting(cast.alice), settings, cast.alice, person, reason)


def test_for_the_last_administrator_two_operators_agree(cast, settings, acting, clock):
    with_app(acting(cast.alice), settings, cast.alice)
    row = factor_resets.ask(acting(cast.olga), settings, cast.olga, cast.alice, WHY)
    assert (row.effective_at, templates()) == (None, ["factor_added"])
    with pytest.raises(ResetRefused, match="Somebody else"):
        factor_resets.second(acting(cast.olga), settings, cast.olga, row.id)
    clock.advance(hours=48)
    sweep(acting(), settings)
    assert second_factor.has(cast.alice)
    factor_resets.second(acting(cast.oscar), settings, cast.oscar, row.id)
    with pytest.raises(NotFound):
        factor_resets.second(acting(cast.oscar), settings, cast.oscar, row.id)
    clock.advance(hours=24)
    sweep(acting(), settings)
    assert not second_factor.has(cast.alice)


def test_operators_do_it_for_nobody_else_of_a_partner(cast, settings, acting, bob):
    with pytest.raises(ResetRefused, match="administrator of this company"):
        factor_resets.ask(acting(cast.olga), settings, cast.olga, bob, WHY)
    Member.update(role="admin").where(Member.id == bob.id).execute()
    with_app(acting(cast.alice), settings, cast.alice)
    with pytest.raises(ResetRefused):
        factor_resets.ask(acting(cast.olga), settings, cast.olga, cast.alice, WHY)


def test_an_owner_resets_an_operator_after_a_day(cast, settings, acting, clock):
    with_app(acting(cast.oscar), settings, cast.oscar)
    factor_resets.ask(acting(cast.olga), settings, cast.olga, cast.oscar, WHY)
    clock.advance(hours=24)
    sweep(acting(), settings)
    assert not second_factor.has(cast.oscar)
    assert Operator.get_by_id(cast.oscar.id).password_due_at is not None
