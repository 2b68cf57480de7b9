"""Requests: asked with a reason, talked about, withdrawn, found again in lists."""

import pytest

from models.change_request import ChangeRequest, RequestMessage
from models.contract import Contract
from models.operator import Operator
from models.partner import Member
from models.sub_account import SubAccount
from services import change_requests, request_decisions, request_list
from services.allocation import AllocationStale, BelowUse
from services.change_requests import RequestOver, RequestRefused
from services.once import KeyReused
from services.refusal import NotFound
from tests.services.asking import actions, fresh, mails, texts
from tests.services.ground import TB, everything, full_package


def test_a_decrease_beyond_fair_use_is_kept_as_it_was_asked_and_changes_nothing(desk):
    a, b = full_package(desk.ground)
    before = everything()
    request = desk.lower((a, TB), (b, 5 * TB))
    assert everything() == before
    assert request.wanted == {"changes": [[a.number, 6 * TB, TB, True], [b.number, 4 * TB, 5 * TB, True]]}
    assert (request.state, request.kind, request.contract_id) == ("open", "decrease", desk.ground.contract.id)
    assert texts(request) == ["A customer leaves"]
    assert mails("request_to_operator") == ["olga"]
    assert actions() == ["opened"]


def test_a_decrease_that_nobody_could_carry_out_is_not_asked_for(desk):
    a, _b = full_package(desk.ground)
    SubAccount.update(used_bytes=2 * TB).where(SubAccount.id == a.id).execute()
    with pytest.raises(BelowUse):
        desk.lower((a, TB), below_use=False)
    with pytest.raises(AllocationStale):
        desk.lower((a, TB), seen_version=99)
    with pytest.raises(RequestRefused):
        desk.lower((a, TB), reason=" \r\n ")
    assert not ChangeRequest.select().exists()


def test_the_same_form_twice_is_one_request(desk):
    a, _b = full_package(desk.ground)
    numbers = {desk.lower((a, TB), once_key="clicked").number for _ in range(2)}
    numbers |= {desk.more(once_key="more").number for _ in range(2)}
    assert len(numbers) == ChangeRequest.select().count() == 2
    with pytest.raises(KeyReused):
        desk.more(7 * TB, once_key="more")


def test_both_sides_write_and_the_turn_goes_to_the_other(desk, clock):
    request = desk.more()
    clock.advance(hours=1)
    change_requests.write(desk.staff, desk.settings, request.number, "Until when?")
    assert (fresh(request).state, fresh(request).turn_at) == ("answered", clock.now())
    assert mails("request_to_member") == ["alice"]
    change_requests.write(desk.act(desk.ground.cast.bob), desk.settings, request.number, "Until May.\r\nThanks")
    assert fresh(request).state == "open"
    assert texts(request) == ["We grow", "Until when?", "Until May.\nThanks"]
    change_requests.write(desk.staff, desk.settings, request.number, "Good.")
    assert mails("request_to_member") == ["alice", "alice", "bob"]


def test_a_message_sent_twice_is_kept_once(desk):
    request = desk.more()
    for _ in range(2):
        change_requests.write(desk.act(), desk.settings, request.number, "One more thing", "clicked")
    assert texts(request) == ["We grow", "One more thing"]


def test_whoever_answered_is_told_alone_and_all_who_decide_before_that(desk):
    Operator.update(right="manager").where(Operator.id == desk.ground.cast.oscar.id).execute()
    request = desk.more()
    assert mails("request_to_operator") == ["olga", "oscar"]
    change_requests.write(desk.act(desk.ground.cast.oscar), desk.settings, request.number, "Why?")
    change_requests.write(desk.act(), desk.settings, request.number, "Because")
    assert mails("request_to_operator") == ["olga", "oscar", "oscar"]


def test_the_administrators_are_told_when_the_one_who_asked_has_left(desk):
    request = change_requests.open_request(
        desk.act(desk.ground.cast.bob), desk.settings, desk.ground.cast.northwind, "correction", reason="Typo"
    )
    Member.update(active=False).where(Member.id == desk.ground.cast.bob.id).execute()
    request_decisions.done(desk.staff, desk.settings, request.number, "Mended")
    assert mails("request_to_member") == ["alice"]


def test_what_was_withdrawn_is_not_decided_and_what_was_decided_is_not_withdrawn(desk):
    request = desk.more()
    change_requests.withdraw(desk.act(), desk.settings, request.number)
    with pytest.raises(RequestOver) as over:
        desk.enlarge(request, TB)
    assert "withdrew" in over.value.text and over.value.values["who"] == "Alice Adler"
    assert desk.ground.contract.reserved_bytes == 10 * TB
    second = desk.more()
    desk.enlarge(second, TB)
    for too_late in (
        lambda: change_requests.withdraw(desk.act(), desk.settings, second.number),
        lambda: change_requests.write(desk.act(), desk.settings, second.number, "Wait"),
        lambda: desk.enlarge(second, TB),
    ):
        with pytest.raises(RequestOver):
            too_late()
    assert desk.ground.contract.reserved_bytes == 11 * TB


def test_a_partner_has_only_so_many_open_and_so_many_unanswered(desk, monkeypatch):
    monkeypatch.setattr(change_requests, "MOST_OPEN", 2)
    monkeypatch.setattr(change_requests, "MOST_UNANSWERED", 3)
    request, other = desk.more(), desk.ask("correction")
    with pytest.raises(RequestRefused, match="open already"):
        desk.more()
    for number in range(2):
        change_requests.write(desk.act(), desk.settings, request.number, f"More {number}")
    with pytest.raises(RequestRefused, match="Wait for an answer"):
        change_requests.write(desk.act(), desk.settings, request.number, "And more")
    change_requests.write(desk.staff, desk.settings, request.number, "Yes?")
    change_requests.write(desk.act(), desk.settings, request.number, "And more")
    change_requests.withdraw(desk.act(), desk.settings, other.number)
    desk.more()


def test_a_text_is_plain_and_has_an_end(desk):
    request = desk.ask("correction", reason="a\x00b\x07\tc\r\nd 🙂")
    assert texts(request) == ["ab\tc\nd 🙂"]
    desk.ask("correction", reason="x" * 4000)
    with pytest.raises(RequestRefused, match="at most"):
        desk.ask("correction", reason="x" * 4001)


@pytest.mark.parametrize(
    ("kind", "more", "field"),
    [
        ("decrease", {}, "kind"),
        ("gift", {}, "kind"),
        ("more_capacity", {"contract": None, "wanted": {"more_bytes": TB}}, "contract"),
        ("contract_change", {"contract": None}, "contract"),
        ("more_capacity", {"wanted": {"more_bytes": 0}}, "more_bytes"),
        ("more_capacity", {"wanted": {"more_bytes": 10**30}}, "more_bytes"),
        ("more_capacity", {"wanted": None}, "more_bytes"),
    ],
)
def test_what_cannot_be_asked_names_its_field(desk, kind, more, field):
    with pytest.raises(RequestRefused) as caught:
        desk.ask(kind, **more)
    assert caught.value.field == field


def test_anothers_contract_and_request_are_nobodys(desk):
    foreign = Contract.get_by_id(desk.ground.cast.other_contract.id)
    with pytest.raises(NotFound):
        desk.ask("contract_change", contract=foreign)
    with pytest.raises(NotFound):
        change_requests.own(desk.ground.cast.contoso, desk.more().number)
    with pytest.raises(NotFound):
        desk.enlarge(ChangeRequest(number="R-NOTHING1", id=0), TB)


def test_the_queue_has_views_kinds_and_search_and_the_oldest_first(desk):
    first, second = desk.more(), desk.ask("correction")
    change_requests.write(desk.staff, desk.settings, second.number, "Which?")
    third = desk.ask("contract_change")
    assert [row.id for row in request_list.queue().rows] == [first.id, third.id]
    assert request_list.waiting() == 2
    assert [row.id for row in request_list.queue("answered").rows] == [second.id]
    assert [row.id for row in request_list.answered_of(desk.ground.cast.northwind)] == [second.id]
    desk.enlarge(first, TB)
    assert [row.id for row in request_list.queue("decided").rows] == [first.id]
    assert [row.id for row in request_list.queue("all").rows] == [third.id, second.id, first.id]
    assert [row.id for row in request_list.queue("all", "correction").rows] == [second.id]
    assert [row.id for row in request_list.queue("all", "", "north").rows] == [third.id, second.id, first.id]
    assert request_list.queue("all", "", "contoso").rows == []
    assert [row.id for row in request_list.queue("all", "", third.number.lower()).rows] == [third.id]
    assert [row.id for row in request_list.open_of(desk.ground.cast.northwind)] == [second.id, third.id]
    assert [row.id for row in request_list.decided_of(desk.ground.cast.northwind).rows] == [first.id]


def test_long_lists_go_on_where_they_ended(desk, monkeypatch):
    monkeypatch.setattr(request_list, "PAGE_SIZE", 2)
    ids = [desk.ask("correction", reason=f"Number {number}").id for number in range(5)]
    page = request_list.queue()
    seen = [row.id for row in page.rows]
    while page.after:
        page = request_list.queue(after=page.after)
        seen += [row.id for row in page.rows]
    assert seen == ids


def test_messages_of_requests_are_written_by_one_side_each(desk):
    request = desk.more()
    change_requests.write(desk.staff, desk.settings, request.number, "Yes?")
    rows = RequestMessage.select().order_by(RequestMessage.id)
    assert [(bool(row.member_id), bool(row.operator_id)) for row in rows] == [(True, False), (False, True)]
