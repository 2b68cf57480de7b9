"""The allocation board: moving, checking, saving, undoing; as a page and as partials; refused with words."""

import re

import pytest

from models.contract import AllocationEntry
from tests.blueprints.boards import BOARD, GB, TB, form_of, saved, wish_for


def test_three_terabytes_move_from_one_to_another_of_a_full_package_in_one_act(client_as, cast, opened):
    full, lean = opened("Adler AG", 8 * TB), opened("Bach AG", 2 * TB)
    browser = client_as(cast.alice)
    form = wish_for(browser, **{full.number: "5 TB", lean.number: "5 TB"})
    check = browser.post(BOARD, data={**form, "do": "check"})
    assert check.status_code == 200
    assert "Nothing is saved yet" in check.text
    assert saved(full) == 8 * TB
    answer = browser.post(BOARD, data={**form_of(check.text), "do": "save"})
    assert (answer.status_code, answer.location) == (303, BOARD)
    assert (saved(full), saved(lean)) == (5 * TB, 5 * TB)
    assert "Being applied" in browser.get(BOARD).text


def test_the_check_shows_old_and_new_and_what_happens(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    text = browser.post(BOARD, data={**wish_for(browser, **{account.number: "1.5 TB"}), "do": "check"}).text
    assert ">2\u00a0TB<" in text
    assert ">1.5\u00a0TB<" in text
    assert "500\u00a0GB becomes free for others" in text


def test_while_moving_htmx_gets_the_remainder_and_nothing_is_stored(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    form = {**wish_for(browser, **{account.number: "3 TB"}), "do": "remainder"}
    answer = browser.post(BOARD, data=form, htmx=True)
    assert "3\u00a0TB of 10\u00a0TB allocated, 7\u00a0TB free." in answer.text
    assert saved(account) == 2 * TB
    shown = re.search(r'name="shown" value="(\w+)"', answer.text)[1]
    assert browser.post(BOARD, data={**form, "shown": shown}, htmx=True).status_code == 204


def test_the_remainder_says_when_someone_else_changed_the_contract(client_as, cast, opened):
    account, other = opened("Adler AG", 2 * TB), opened("Bach AG", TB)
    alice, bob = client_as(cast.alice), client_as(cast.bob)
    form = {**wish_for(alice, **{account.number: "3 TB"}), "do": "remainder"}
    bob.post(BOARD, data={**wish_for(bob, **{other.number: "2 TB"}), "do": "save"})
    assert "Someone else changed this contract" in alice.post(BOARD, data=form, htmx=True).text


def test_without_htmx_asking_for_the_remainder_gets_the_whole_page(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    answer = browser.post(BOARD, data={**wish_for(browser, **{account.number: "3 TB"}), "do": "remainder"})
    assert "<h1>" in answer.text
    assert 'value="3 TB"' in answer.text


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("", "Enter an amount such as"),
        ("-1 TB", "The amount cannot be below zero"),
        ("1.5.2 TB", "can be read in more than one way"),
        ("99999999999999 TB", "more than this portal can count"),
        ("12 apples", "The unit apples is not known"),
        ("1.0001 GB", "Enter whole gigabytes"),
    ],
)
def test_an_amount_that_cannot_be_read_is_explained_beside_its_field(client_as, cast, opened, amount, sentence):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    answer = browser.post(BOARD, data={**wish_for(browser, **{account.number: amount}), "do": "check"})
    assert answer.status_code == 422
    assert answer.text.count(sentence) >= 2  # in the summary and beside the field
    assert f'href="#a-{account.number}"' in answer.text
    assert saved(account) == 2 * TB


def test_a_german_reader_may_write_a_comma(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    cast.alice.locale = "de"
    cast.alice.save()
    browser = client_as(cast.alice)
    form = wish_for(browser, **{account.number: "1,5 TB"})
    browser.post(BOARD, data={**form, "do": "save"})
    assert saved(account) == 1500 * GB


def test_more_than_the_package_holds_is_refused_with_what_is_free(client_as, cast, opened):
    account = opened("Adler AG", 9 * TB)
    browser = client_as(cast.alice)
    for do in ("check", "save"):
        answer = browser.post(BOARD, data={**wish_for(browser, **{account.number: "11 TB"}), "do": do})
        assert answer.status_code == 422
        assert "1\u00a0TB more than the package holds. At most 1\u00a0TB is free." in answer.text
        assert 'value="11 TB"' in answer.text
    assert saved(account) == 9 * TB


def test_a_second_tab_that_saves_later_gets_the_fresh_figures_and_keeps_its_own(client_as, cast, opened):
    account, other = opened("Adler AG", 2 * TB), opened("Bach AG", TB)
    first, second = client_as(cast.alice), client_as(cast.alice)
    late = wish_for(second, **{account.number: "4 TB"})
    first.post(BOARD, data={**wish_for(first, **{account.number: "3 TB", other.number: "2 TB"}), "do": "save"})
    answer = second.post(BOARD, data={**late, "do": "save"})
    assert answer.status_code == 409
    assert "changed elsewhere since you opened this page" in answer.text
    assert "Changed elsewhere: was 2\u00a0TB, is now 3\u00a0TB" in answer.text
    assert saved(account) == 3 * TB
    fields = form_of(answer.text)
    assert (fields[f"a-{account.number}"], fields[f"a-{other.number}"]) == ("4 TB", "2")
    assert second.post(BOARD, data={**fields, "do": "save"}).status_code == 303
    assert (saved(account), saved(other)) == (4 * TB, 2 * TB)


def test_less_than_is_used_asks_what_shall_happen(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB, used_bytes=1800 * GB)
    browser = client_as(cast.alice)
    form = wish_for(browser, **{account.number: "1 TB"})
    check = browser.post(BOARD, data={**form, "do": "check"})
    assert "stop new uploads until less than 1\u00a0TB is used" in check.text
    refused = browser.post(BOARD, data={**form, "do": "save"})
    assert refused.status_code == 422
    assert "Choose what happens to the use above the allocation." in refused.text
    assert saved(account) == 2 * TB
    browser.post(BOARD, data={**form, f"below-{account.number}": "yes", "do": "save"})
    assert saved(account) == TB


def test_less_than_is_used_with_overdraft_names_the_price(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB, used_bytes=1800 * GB, allow_overdraft=True)
    browser = client_as(cast.alice)
    text = browser.post(BOARD, data={**wish_for(browser, **{account.number: "1 TB"}), "do": "check"}).text
    assert "what is above is billed at" in text


def test_saving_twice_with_the_same_form_saves_once(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    form = {**wish_for(browser, **{account.number: "3 TB"}), "do": "save"}
    assert [browser.post(BOARD, data=form).status_code for _ in range(2)] == [303, 303]
    assert AllocationEntry.select().where(AllocationEntry.cause == "changed").count() == 1


def test_the_same_form_with_other_figures_is_a_conflict(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    form = {**wish_for(browser, **{account.number: "3 TB"}), "do": "save"}
    browser.post(BOARD, data=form)
    answer = browser.post(BOARD, data={**form, f"a-{account.number}": "5 TB"})
    assert answer.status_code == 409
    assert saved(account) == 3 * TB


def test_nothing_changed_is_said(client_as, cast, opened):
    opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    answer = browser.post(BOARD, data={**wish_for(browser), "do": "check"})
    assert answer.status_code == 422
    assert "Nothing is different from what is saved already." in answer.text


def test_the_last_change_can_be_undone_for_fifteen_minutes(client_as, cast, opened, clock):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    browser.post(BOARD, data={**wish_for(browser, **{account.number: "3 TB"}), "do": "save"})
    page = browser.get(BOARD).text
    batch = re.search(r'name="batch" value="(\w+)"', page)[1]
    clock.advance(minutes=14)
    assert browser.post(f"{BOARD}/undo", data={"batch": batch}).status_code == 303
    assert saved(account) == 2 * TB
    again = browser.post(f"{BOARD}/undo", data={"batch": batch})
    assert again.status_code == 409
    assert "can no longer be undone" in again.text


def test_after_fifteen_minutes_the_undo_is_gone(client_as, cast, opened, clock):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    browser.post(BOARD, data={**wish_for(browser, **{account.number: "3 TB"}), "do": "save"})
    clock.advance(minutes=16)
    assert "Undo the last change" not in browser.get(BOARD).text
