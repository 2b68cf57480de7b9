"""Fair use on the board: the room that is left while moving, on the check, and what is beyond it as a request."""

import re

import pytest

from models.change_request import ChangeRequest
from models.contract import Contract
from models.sub_account import SubAccount
from services import allocation
from services.allocation import Change
from tests.blueprints.boards import BOARD, GB, TB, saved, wish_for
from tests.cast import act_of


@pytest.fixture
def two(opened):
    return opened("Adler AG", 6 * TB), opened("Bach AG", 2 * TB)


@pytest.fixture
def lower(cast, clock):
    def save(account: SubAccount, after_bytes: int) -> None:
        contract = Contract.get_by_id(cast.contract.id)
        allocation.rebalance(
            act_of(cast.bob, clock.now()), contract, [Change(account.number, after_bytes)],
            seen_version=contract.version, once_key=f"{account.number}-{after_bytes}",
        )  # fmt: skip

    return save


def text_of(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.text.replace("\u00a0", " ")))


def ask(browser, wish, **more):
    return browser.post(BOARD, data={**wish, "do": "ask", "why": "A customer leaves", **more})


def test_the_board_says_what_may_be_lowered_and_until_when(client_as, cast, two, lower, clock):
    browser = client_as(cast.alice)
    assert "You may lower by 2.5 TB within 30 days." in text_of(browser.get(BOARD))
    lower(two[0], 4700 * GB)
    assert "You may lower by 1.2 TB more until 1 Apr 2026." in text_of(browser.get(BOARD))
    assert "You may lower" not in text_of(client_as(cast.vera).get(BOARD))


def test_the_room_follows_while_figures_are_moved(client_as, cast, two, lower):
    browser, (adler, bach) = client_as(cast.alice), two
    lower(adler, 5 * TB)
    lower(adler, 4700 * GB)
    wish = wish_for(browser, **{adler.number: "4.2 TB"})

    def moved(**changes):
        return text_of(browser.post(BOARD, data={**wish, "do": "remainder", **changes}, htmx=True))

    said = moved()
    assert "You may lower by 700 GB more until 1 Apr 2026." in said
    assert "Adler AG: 2 of 4 decreases within 30 days used." in said
    assert "lowers 800 GB more than can be done at once" in moved(**{f"a-{adler.number}": "2.7 TB"})
    assert "1.2 TB more" in moved(**{f"a-{bach.number}": "2.5 TB"})


def test_nothing_is_said_again_while_the_room_stays(client_as, cast, two):
    browser = client_as(cast.alice)
    wish = wish_for(browser, **{two[0].number: "5 TB"})
    first = browser.post(BOARD, data={**wish, "do": "remainder"}, htmx=True)
    shown = re.search(r'name="shown" value="(\w+)"', first.text)[1]
    assert browser.post(BOARD, data={**wish, "do": "remainder", "shown": shown}, htmx=True).status_code == 204


def test_the_check_says_what_is_left_and_how_often_a_sub_account_was_lowered(client_as, cast, two, lower):
    browser, (adler, _bach) = client_as(cast.alice), two
    lower(adler, 5 * TB)
    page = browser.post(BOARD, data={**wish_for(browser, **{adler.number: "4 TB"}), "do": "check"})
    assert "You may lower by 500 GB more until 1 Apr 2026." in text_of(page)
    assert "1 of 4 decreases within 30 days used" in text_of(page)
    assert 'value="save"' in page.text and 'value="ask"' not in page.text


def test_within_fair_use_a_change_is_saved_at_once(client_as, cast, two):
    browser, (adler, _bach) = client_as(cast.alice), two
    sent = browser.post(BOARD, data={**wish_for(browser, **{adler.number: "3.5 TB"}), "do": "save"})
    assert (sent.status_code, saved(adler)) == (303, 3500 * GB)


def test_beyond_it_the_check_offers_to_ask_with_a_reason(client_as, cast, two):
    browser, (adler, bach) = client_as(cast.alice), two
    wish = wish_for(browser, **{adler.number: "1 TB", bach.number: "3 TB"})
    page = browser.post(BOARD, data={**wish, "do": "check"})
    assert page.status_code == 200
    assert "Ask for this change" in page.text and 'value="save"' not in page.text
    assert "This lowers the contract by 4 TB. At present 2.5 TB can be lowered at once." in text_of(page)
    sent = ask(browser, wish)
    request = ChangeRequest.get()
    assert (sent.status_code, sent.location) == (303, f"/requests/{request.number}")
    assert request.wanted["changes"] == [
        [adler.number, 6 * TB, TB, False],
        [bach.number, 2 * TB, 3 * TB, False],
    ]
    assert (saved(adler), saved(bach)) == (6 * TB, 2 * TB)
    shown = text_of(browser.get(sent.location))
    assert "Adler AG" in shown and "A customer leaves" in shown and "Nothing changes before it is decided" in shown


def test_saving_beyond_it_changes_nothing_and_offers_to_ask(client_as, cast, two, lower):
    """The room that the member saw was used by a colleague, or the page was left out."""
    browser, (adler, _bach) = client_as(cast.alice), two
    page = browser.post(BOARD, data={**wish_for(browser, **{adler.number: "3 TB"}), "do": "save"})
    assert page.status_code == 422
    assert "Ask for this change" in page.text and f'name="a-{adler.number}" value="3 TB"' in page.text
    assert saved(adler) == 6 * TB
    assert not ChangeRequest.select().exists()


def test_a_sub_account_that_was_lowered_too_often_is_named(client_as, cast, two, lower):
    browser, (adler, _bach) = client_as(cast.alice), two
    for number in range(1, 5):
        lower(adler, 6 * TB - number * GB)
    page = browser.post(BOARD, data={**wish_for(browser, **{adler.number: "5 TB"}), "do": "check"})
    assert "Adler AG was lowered 4 times within 30 days" in text_of(page)
    assert "4 of 4 decreases within 30 days used" in text_of(page)
    assert "Ask for this change" in page.text


def test_moving_shows_no_limit(client_as, cast, two):
    browser, (adler, bach) = client_as(cast.alice), two
    wish = wish_for(browser, **{adler.number: "1 TB", bach.number: "7 TB"})
    page = browser.post(BOARD, data={**wish, "do": "check"})
    assert 'value="save"' in page.text and "decreases within" not in page.text
    browser.post(BOARD, data={**wish, "do": "save"})
    assert (saved(adler), saved(bach)) == (TB, 7 * TB)


def test_a_request_needs_a_reason_and_keeps_the_figures(client_as, cast, two):
    browser, (adler, _bach) = client_as(cast.alice), two
    wish = wish_for(browser, **{adler.number: "1 TB"})
    page = ask(browser, wish, why=" ")
    assert page.status_code == 422
    assert "Write in a sentence what you need and why." in page.text and 'href="#why"' in page.text
    assert f'name="a-{adler.number}" value="1 TB"' in page.text
    page = ask(browser, wish, why="x" * 4001)
    assert "at most 4000 characters" in page.text
    assert not ChangeRequest.select().exists()


def test_use_above_a_wanted_figure_is_asked_about_before_a_request_too(client_as, cast, opened):
    adler, browser = opened("Adler AG", 6 * TB, used_bytes=2 * TB), client_as(cast.alice)
    wish = wish_for(browser, **{adler.number: "1 TB"})
    page = ask(browser, wish)
    assert (page.status_code, "Choose what happens" in page.text) == (422, True)
    assert "A customer leaves" in page.text
    ask(browser, wish, **{f"below-{adler.number}": "yes"})
    assert ChangeRequest.get().wanted["changes"] == [[adler.number, 6 * TB, TB, True]]


def test_asking_twice_is_one_request(client_as, cast, two):
    browser = client_as(cast.alice)
    wish = wish_for(browser, **{two[0].number: "1 TB"})
    assert len({ask(browser, wish).location for _ in range(2)}) == ChangeRequest.select().count() == 1


def test_figures_that_changed_meanwhile_come_back_to_the_board(client_as, cast, two, lower):
    browser, (adler, bach) = client_as(cast.alice), two
    wish = wish_for(browser, **{adler.number: "1 TB"})
    lower(bach, TB)
    page = ask(browser, wish)
    assert (page.status_code, "changed elsewhere" in page.text) == (409, True)
    assert not ChangeRequest.select().exists()


def test_who_may_not_change_may_not_ask(client_as, cast, two):
    wish = wish_for(client_as(cast.alice), **{two[0].number: "1 TB"})
    assert ask(client_as(cast.vera), wish).status_code == 403
    assert ask(client_as(cast.charlie), wish).status_code == 404
