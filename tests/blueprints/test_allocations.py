"""The allocation board: moving, checking, saving, undoing; as a page and as partials; refused with words."""

import re
import sqlite3
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest

from models.base import database
from models.contract import AllocationEntry, Contract
from models.sub_account import SubAccount
from services import sub_accounts
from services.sub_accounts import SubAccountWish

TB, GB = 10**12, 10**9
BOARD = "/allocations/RCP-1001"


@pytest.fixture
def opened(cast, acting, settings, clock):
    """`opened("Adler AG", 5 * TB)` -> a sub-account of Northwind that the storage service holds already."""

    def make(name: str, allocated_bytes: int, used_bytes: int = 0, who=None, contract="RCP-1001", **more) -> SubAccount:
        who = who or cast.alice
        wish = SubAccountWish(
            contract_number=contract,
            region=cast.region.name,
            customer=name,
            name="",
            contact_name="Someone",
            contact_email="someone@customer.example.com",
            billing="reserved",
            allocated_bytes=allocated_bytes,
            allow_overdraft=more.pop("allow_overdraft", False),
            flow_down_reference="MSA-1",
            flow_down_agreed_on=date(2026, 1, 15),
        )
        account = sub_accounts.create(acting(who), settings, who.partner, wish, f"once-{name}")
        values = {"phase": "ready", "observed_generation": 1, "observed_state": "active", "used_bytes": used_bytes}
        values |= {"in_force_bytes": allocated_bytes, "measured_at": clock.now(), **more}
        SubAccount.update(**values).where(SubAccount.id == account.id).execute()
        return SubAccount.get_by_id(account.id)

    return make


def form_of(page: str) -> dict[str, str]:
    """The board's fields as a browser without scripts would send them."""
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="(u-\d+)"[^>]*>(.*?)</select>', page, re.S):
        fields[name] = re.search(r"<option selected>(\w+)</option>", options)[1]
    return {name: value for name, value in fields.items() if re.match(r"[aus]-\d{12}$|version$|once$|batch$", name)}


def wish_for(browser, **amounts: str) -> dict[str, str]:
    """The board's form with new amounts, e.g. `wish_for(browser, **{account.number: "3 TB"})`."""
    fields = form_of(browser.get(BOARD).text)
    for number, amount in amounts.items():
        fields[f"a-{number}"] = amount
    return fields


@contextmanager
def locked_elsewhere(engine: str):
    """Another program holds what a save needs, for longer than a save waits."""
    if engine == "sqlite":
        other = sqlite3.connect(database.obj.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        database.execute_sql("PRAGMA busy_timeout = 50")
    else:
        other = psycopg.connect(**database.obj.connect_params, dbname=database.obj.database)
        other.execute("SELECT 1 FROM contract WHERE number = 'RCP-1001' FOR UPDATE")
        database.execute_sql("SET lock_timeout = '50ms'")
    try:
        yield
    finally:
        other.close()
        undo = "PRAGMA busy_timeout = 5000" if engine == "sqlite" else "SET lock_timeout = 0"
        database.execute_sql(undo)


def main_of(page: str) -> str:
    """What the page says, without what differs from request to request."""
    return re.sub(r"[0-9a-f]{16}", "", re.search(r"<main.*</main>", page, re.S)[0])


def saved(account: SubAccount) -> int:
    return SubAccount.get_by_id(account.id).allocated_bytes


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


def test_edits_survive_the_next_page_and_a_search(client_as, cast, opened):
    accounts = [opened(f"Customer {number:03}", 10 * GB) for number in range(55)]
    browser = client_as(cast.alice)
    first, last = accounts[0], accounts[54]
    form = wish_for(browser, **{first.number: "30 GB"})
    assert f"a-{last.number}" not in form
    page = re.search(r'name="page" value="(after:\d+)"', browser.get(BOARD).text)[1]
    second = browser.post(f"{BOARD}/rows", data={**form, "page": page})
    fields = form_of(second.text)
    assert fields[f"a-{first.number}"] == "30 GB"
    assert f"a-{last.number}" in fields
    found = browser.post(f"{BOARD}/rows", data={**fields, "q": "customer 054"}, htmx=True)
    fields = {**form_of(found.text), f"a-{last.number}": "20 GB"}
    browser.post(BOARD, data={**fields, "do": "save"})
    assert (saved(first), saved(last)) == (30 * GB, 20 * GB)


def test_the_board_asks_the_same_few_questions_however_many_rows(client_as, cast, opened, count_queries):
    browser = client_as(cast.alice)
    counts = []
    for number in range(12):
        opened(f"Customer {number:03}", 10 * GB)
        if number in (1, 11):
            with count_queries() as queries:
                browser.get(BOARD)
            counts.append(queries.count)
    assert counts[0] == counts[1] <= 6


def test_one_question_brings_all_waiting_rows_up_to_date(client_as, cast, opened):
    waits = opened("Adler AG", 2 * TB, phase="updating", generation=2, in_force_bytes=TB)
    stays = opened("Bach AG", TB, phase="updating", generation=2, in_force_bytes=TB)
    browser = client_as(cast.alice)
    page = browser.get(BOARD).text
    assert "Being applied; 1\u00a0TB in force" in page
    assert page.count("every 2s") == 1
    question = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)[1].replace("&amp;", "&")
    assert browser.get(question, htmx=True).status_code == 204
    SubAccount.update(phase="ready", observed_generation=2).where(SubAccount.id == waits.id).execute()
    answer = browser.get(question, htmx=True).text
    assert f'id="state-{waits.number}" hx-swap-oob="true"' in answer
    assert f"state-{stays.number}" not in answer
    assert waits.number not in re.search(r'hx-get="([^"]+)"', answer)[1]
    SubAccount.update(phase="ready", observed_generation=2).execute()
    assert "hx-get" not in browser.get(question, htmx=True).text


def test_the_question_about_states_tells_nothing_of_others(client_as, cast, opened):
    theirs = opened("Fremd AG", TB, who=cast.charlie, contract="RCP-2001", phase="updating", generation=2)
    assert client_as(cast.alice).get(f"{BOARD}/states?shown={theirs.number}-00000000", htmx=True).status_code == 204


def test_an_expired_log_in_ends_the_questions_and_leaves_the_page(client_as, cast, opened, clock):
    opened("Adler AG", 2 * TB, phase="updating", generation=2)
    browser = client_as(cast.alice)
    clock.advance(hours=2)
    answer = browser.get(f"{BOARD}/states?shown=", htmx=True)
    assert (answer.status_code, answer.headers["HX-Reswap"], answer.headers.get("HX-Redirect")) == (286, "none", None)


def test_enter_in_the_search_field_searches(client_as, cast, opened):
    opened("Adler AG", 2 * TB)
    opened("Bach AG", TB)
    browser = client_as(cast.alice)
    answer = browser.post(BOARD, data={**wish_for(browser), "q": "bach", "searched": ""})
    assert answer.status_code == 200
    assert "Bach AG" in answer.text
    assert "Adler AG" not in answer.text


def test_a_viewer_searches_and_leafs(client_as, cast, opened):
    for number in range(55):
        opened(f"Customer {number:03}", 10 * GB)
    browser = client_as(cast.vera)
    text = browser.get(BOARD).text
    page = re.search(r'name="page" value="(after:\d+)"', text)[1]
    assert f'formaction="{BOARD}/rows"' in text
    assert "Customer 054" in browser.post(f"{BOARD}/rows", data={"page": page}).text
    assert "Customer 054" in browser.post(f"{BOARD}/rows", data={"q": "054"}).text


def test_an_amount_of_another_page_that_cannot_be_read_comes_first_with_its_name(client_as, cast, opened):
    accounts = [opened(f"Customer {number:03}", 10 * GB) for number in range(55)]
    browser = client_as(cast.alice)
    form = wish_for(browser) | {f"a-{accounts[54].number}": "much", f"u-{accounts[54].number}": "GB"}
    answer = browser.post(BOARD, data={**form, "do": "check"})
    assert answer.status_code == 422
    assert "Customer 054: Enter an amount" in answer.text
    assert answer.text.count(f'id="a-{accounts[54].number}"') == 1


def test_a_locked_database_loses_no_figures(client_as, cast, opened, engine):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.alice)
    form = {**wish_for(browser, **{account.number: "3 TB"}), "do": "save"}
    with locked_elsewhere(engine):
        answer = browser.post(BOARD, data=form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "saved nothing. Your figures are still here" in answer.text
    assert form_of(answer.text)[f"a-{account.number}"] == "3 TB"
    assert browser.post(BOARD, data={**form_of(answer.text), "do": "save"}).status_code == 303
    assert saved(account) == 3 * TB


def test_a_contract_without_a_package_has_no_board(client_as, cast):
    Contract.update(kind="pay_per_use", reserved_bytes=0).where(Contract.number == "RCP-1001").execute()
    browser = client_as(cast.alice)
    assert "This contract has no package to distribute" in browser.get(BOARD).text
    assert "Pay per use: 0\u00a0B used." in browser.get("/home").text


def test_a_stranger_and_an_unknown_number_get_the_same_answer(client_as, cast, opened):
    opened("Adler AG", 2 * TB)
    browser = client_as(cast.charlie)
    foreign, unknown = browser.get(BOARD), browser.get("/allocations/RCP-9999")
    assert foreign.status_code == unknown.status_code == 404
    assert main_of(foreign.text) == main_of(unknown.text)


def test_a_foreign_sub_account_in_the_form_changes_nothing(client_as, cast, opened):
    mine = opened("Adler AG", 2 * TB)
    theirs = opened("Fremd AG", TB, who=cast.charlie, contract="RCP-2001")
    browser = client_as(cast.alice)
    form = wish_for(browser, **{mine.number: "3 TB"}) | {f"a-{theirs.number}": "2", f"u-{theirs.number}": "TB"}
    answer = browser.post(BOARD, data={**form, "do": "save"})
    assert answer.status_code == 422
    assert (saved(mine), saved(theirs)) == (2 * TB, TB)


def test_a_viewer_looks_and_cannot_change(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    browser = client_as(cast.vera)
    page = browser.get(BOARD)
    assert "Check changes" not in page.text
    assert "disabled" in page.text
    form = {**form_of(page.text), f"a-{account.number}": "3 TB", "do": "save"}
    assert browser.post(BOARD, data=form).status_code == 403
    assert saved(account) == 2 * TB


def test_an_expired_contract_is_looked_at_only(client_as, cast, opened):
    account = opened("Adler AG", 2 * TB)
    Contract.update(state="expired").where(Contract.number == "RCP-1001").execute()
    browser = client_as(cast.alice)
    page = browser.get(BOARD)
    assert "This contract is not active" in page.text
    form = {**form_of(page.text), f"a-{account.number}": "3 TB", "do": "save"}
    assert browser.post(BOARD, data=form).status_code == 422
    assert saved(account) == 2 * TB


def test_one_contract_opens_its_board_and_none_says_what_comes(client_as, cast):
    assert client_as(cast.alice).get("/allocations").location == BOARD
    Contract.delete().execute()
    assert "There is no contract yet" in client_as(cast.alice).get("/allocations").text


def test_nobody_signed_in_is_led_to_the_log_in(client):
    answer = client.get(BOARD)
    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=")
    piece = client.post(BOARD, data={"do": "remainder"}, htmx=True)
    assert piece.status_code == 401
    assert piece.headers["HX-Redirect"].startswith("/login")
