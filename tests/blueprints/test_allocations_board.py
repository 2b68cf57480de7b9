"""The board as a page: search, pages, waiting rows, who may do what, and what happens under fire."""

import re

from models.contract import Contract
from models.sub_account import Region, SubAccount
from tests.accounts import another_contract
from tests.blueprints.boards import BOARD, GB, TB, form_of, locked_elsewhere, main_of, saved, wish_for


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
    assert counts[0] == counts[1] <= 12


def test_rows_name_their_region_where_there_are_several(client_as, cast, opened):
    opened("Adler AG", TB)
    browser = client_as(cast.alice)
    assert cast.region.name not in browser.get(BOARD).text
    Region.create(name="south", display_name="Hamburg")
    assert f'<span class="small muted">{cast.region.name}</span>' in browser.get(BOARD).text
    SubAccount.update(region=Region.get(name="south")).execute()
    assert '<span class="small muted">Hamburg</span>' in browser.get(BOARD).text


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


def test_an_expired_contract_is_looked_at_only(client_as, cast, opened, clock):
    account = opened("Adler AG", 2 * TB)
    another_contract(cast, clock.now())
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
