import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.audit import AuditEvent
from models.base import database
from models.session import OneTimeLink
from services import links
from services.links import LinkExpired, LinkUsed
from services.refusal import NotFound


def test_a_link_works_once(cast, acting):
    token = links.issue(acting(), "reset_password", cast.alice)
    link = links.use(acting(), "reset_password", token)
    assert links.person_of(link) == cast.alice
    with pytest.raises(LinkUsed):
        links.use(acting(), "reset_password", token)


def test_of_many_at_once_one_wins(cast, acting, monkeypatch):
    """All have looked before the first uses it up: what they saw says "not used" and must not decide."""
    token = links.issue(acting(), "reset_password", cast.alice)
    look, own, all_looked = links.look, threading.local(), threading.Barrier(8)
    monkeypatch.setattr(links, "look", lambda *which: own.seen)

    def use(_) -> str:
        try:
            with database.connection_context():
                own.seen = look("reset_password", token, acting().at)
                all_looked.wait(30)
                links.use(acting(), "reset_password", token)
        except LinkUsed:
            return "used"
        return "won"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(use, range(8)))
    assert sorted(outcomes) == ["used"] * 7 + ["won"]


def test_looking_uses_nothing_up(cast, acting, clock):
    token = links.issue(acting(), "reset_password", cast.alice)
    for _ in range(3):
        assert links.look("reset_password", token, clock.now()).used_at is None
    links.use(acting(), "reset_password", token)


@pytest.mark.parametrize(("purpose", "hours"), [("confirm_mail", 48), ("reset_password", 1), ("operator_setup", 48)])
def test_a_link_ends_with_its_time(cast, acting, clock, purpose: str, hours: int):
    token = links.issue(acting(), purpose, cast.alice)
    clock.advance(hours=hours, seconds=-1)
    links.look(purpose, token, clock.now())
    clock.advance(seconds=1)
    with pytest.raises(LinkExpired):
        links.use(acting(), purpose, token)


def test_a_newer_link_stops_the_older_one_of_the_same_purpose_only(cast, acting):
    older = links.issue(acting(), "reset_password", cast.alice)
    other_purpose = links.issue(acting(), "confirm_mail", cast.alice)
    other_person = links.issue(acting(), "reset_password", cast.bob)
    newer = links.issue(acting(), "reset_password", cast.alice)
    with pytest.raises(LinkExpired):
        links.use(acting(), "reset_password", older)
    links.use(acting(), "confirm_mail", other_purpose)
    links.use(acting(), "reset_password", other_person)
    links.use(acting(), "reset_password", newer)


def test_a_link_is_good_for_its_purpose_only(cast, acting):
    token = links.issue(acting(), "confirm_mail", cast.alice)
    with pytest.raises(NotFound):
        links.use(acting(), "reset_password", token)


def test_an_unknown_token_opens_nothing(cast, clock):
    with pytest.raises(NotFound):
        links.look("reset_password", "A" * 43, clock.now())


def test_a_link_of_somebody_who_left_opens_nothing(cast, acting, clock):
    token = links.issue(acting(), "reset_password", cast.bob)
    cast.bob.active = False
    cast.bob.save(only=["active"])
    with pytest.raises(NotFound):
        links.look("reset_password", token, clock.now())


def test_an_operator_and_a_member_of_the_same_number_have_links_of_their_own(cast, acting):
    member, operator = cast.alice, cast.olga
    assert member.id == operator.id
    first = links.issue(acting(), "reset_password", member)
    second = links.issue(acting(), "reset_password", operator)
    assert links.person_of(links.use(acting(), "reset_password", first)) == member
    assert links.person_of(links.use(acting(), "reset_password", second)) == operator


def test_the_database_holds_no_token(cast, acting):
    token = links.issue(acting(), "reset_password", cast.alice)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    link = OneTimeLink.get()
    assert token not in str(link.__data__)
    assert all(token not in str(vars(event)) for event in AuditEvent.select())


def test_issue_and_use_leave_one_trail_each(cast, acting):
    token = links.issue(acting(), "reset_password", cast.alice)
    links.use(acting(), "reset_password", token)
    trail = [(event.action, event.partner_id) for event in AuditEvent.select().order_by(AuditEvent.id)]
    assert trail == [("link.issued", cast.northwind.id), ("link.used", cast.northwind.id)]
