"""The list of sub-accounts: search, filters, order, pages by key set, the file; every role; with and without htmx."""

import csv
import io
import json
import re

import pytest

from models.sub_account import Region, SubAccount
from models.terms import TermsVersion
from tests.accounts import TB, many, opened

HOSTILE = (
    '<script>alert("x")</script>',
    "=HYPERLINK(\"http://evil.example\";\"Click\")",
    "\"><img src=x onerror=alert(1)> & Söhne ${7*7} {7*7}",
)  # fmt: skip


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


def shown(response) -> list[str]:
    """The numbers of the rows, in order."""
    assert response.status_code == 200
    return re.findall(r'class="number">([0-9]{12})<', response.text)


def table(response) -> list[dict]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"), newline="")))


def test_an_empty_list_says_what_to_do_first(alice):
    page = alice.get("/sub-accounts")
    assert page.status_code == 200
    assert "No sub-accounts yet" in page.text and 'href="/sub-accounts/new"' in page.text


def test_a_row_shows_use_with_its_time_state_terms_and_key(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), used_bytes=TB // 4, measured_at=clock.now())
    text = alice.get("/sub-accounts").text
    assert f'href="/sub-accounts/{account.number}"' in text
    for part in (
        "Müller GmbH",
        "Active",
        "250\u00a0GB of 1\u00a0TB",
        "measured",
        "Agreed, confirmed by you",
        "Not shown",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"phase": "pending", "observed_generation": 0}, "Being set up"),
        ({"phase": "pending", "reason_code": "no_room"}, "Being set up, waiting for capacity"),
        ({"phase": "updating"}, "Active, change being applied"),
        ({"generation": 2}, "Active, change being applied"),
        ({"phase": "waiting_capacity"}, "Active, waiting for capacity"),
        ({"phase": "suspended"}, "Paused"),
        ({"phase": "attention"}, "Problem, we are looking at it"),
        ({"writable": False}, "Full, uploads refused"),
        ({"in_force_bytes": 2 * TB}, "2\u00a0TB in force"),
    ],
)
def test_every_state_has_its_words(alice, cast, settings, clock, row, words):
    opened(cast, settings, clock.now(), **row)
    assert words in alice.get("/sub-accounts").text


def test_outdated_terms_are_seen_in_the_list(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    newest = TermsVersion.get(TermsVersion.kind == "flow_down", TermsVersion.language == "en")
    values = {**newest.__data__, "label": "9.9", "effective_at": clock.now(), "published_at": clock.now()}
    TermsVersion.create(**{name: value for name, value in values.items() if name != "id"})
    assert "Outdated" in alice.get("/sub-accounts").text


def test_a_list_page_takes_six_queries_however_many_rows(alice, cast, settings, clock, count_queries):
    opened(cast, settings, clock.now())
    many(cast, clock.now(), 120)
    busy = "/sub-accounts?q=customer&sort=used&fill=near"
    for address in ("/sub-accounts", busy, "/sub-accounts?after=500000000060"):
        with count_queries() as queries:
            assert alice.get(address).status_code == 200
        assert queries.count <= 6, queries.statements
    with count_queries() as queries:
        alice.get("/sub-accounts?q=customer", htmx=True)
    assert queries.count <= 5, queries.statements


@pytest.mark.parametrize("sort", ["name", "used", "allocated", "newest"])
def test_pages_lose_and_repeat_no_row_among_equal_values_forwards_and_back(alice, cast, clock, sort):
    numbers = many(cast, clock.now(), 120, name="Equal {n:04d}", used_bytes=5)
    walked, address, pages = [], f"/sub-accounts?sort={sort}", []
    while address:
        page = alice.get(address)
        pages.append(shown(page))
        walked += pages[-1]
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = found and found[1].replace("&amp;", "&")
    assert [len(rows) for rows in pages] == [50, 50, 20]
    assert walked == (numbers if sort == "name" else numbers[::-1])
    back = [pages[-1]]
    while found := re.search(r'rel="prev" href="([^"]+)"', page.text):
        page = alice.get(found[1].replace("&amp;", "&"))
        back.insert(0, shown(page))
    assert back == pages


def test_links_to_other_pages_keep_the_filters_and_hold_no_name(alice, cast, clock):
    many(cast, clock.now(), 60, name="Secret Client {n}")
    text = alice.get("/sub-accounts?q=secret&sort=used&state=active").text
    link = re.search(r'rel="next" href="([^"]+)"', text)[1]
    assert "q=secret" in link and "sort=used" in link and "state=active" in link
    assert "Client" not in link and re.search(r"after=[0-9]{12}", link)


def test_an_unknown_or_foreign_place_shows_an_empty_page_and_a_way_out(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    foreign = opened(cast, settings, clock.now(), who=cast.charlie)
    for place in (foreign.number, "000000000000"):
        page = alice.get("/sub-accounts", query_string={"after": place})
        assert shown(page) == [] and "Show all" in page.text


def test_searching_finds_parts_of_names_of_customers_and_beginnings_of_numbers(alice, cast, settings, clock):
    one = opened(cast, settings, clock.now(), "Müller Nord", customer="Holding AG")
    two = opened(cast, settings, clock.now(), "Schmidt", customer="Schmidt")
    for text, found in (
        ("ÜLL", [one]), ("holding", [one]), ("mitt", []), ("midt", [two]), (one.number[:9], [one]), (two.number, [two]),
        ("  müller   NORD ", [one]), ("ｓｃｈｍｉｄｔ", [two]),
    ):  # fmt: skip
        page = alice.get("/sub-accounts", query_string={"q": text})
        assert shown(page) == [account.number for account in found], text


def test_signs_of_patterns_are_letters_like_others(alice, cast, settings, clock):
    percent = opened(cast, settings, clock.now(), "100% Cloud_Line \\ Co")
    opened(cast, settings, clock.now(), "1000 Clouds")
    for text in ("0%", "d_l", "\\ c", "% c"):
        assert shown(alice.get("/sub-accounts", query_string={"q": text})) == [percent.number], text
    for text in ("%%", "__", "0_", "\\\\"):
        assert shown(alice.get("/sub-accounts", query_string={"q": text})) == [], text


@pytest.mark.parametrize("name", ["after", "before", "q", "region", "state", "sort"])
def test_odd_signs_in_the_address_do_no_harm(alice, cast, settings, clock, name):
    opened(cast, settings, clock.now())
    for text in ("x' OR 1=1 --", "\uffff", "１２３４５６７８９０１２"):
        assert alice.get("/sub-accounts", query_string={name: text}).status_code in (200, 400), text


def test_one_letter_searches_nothing_and_ten_thousand_do_no_harm(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now())
    assert shown(alice.get("/sub-accounts?q=z")) == [account.number]
    assert shown(alice.get("/sub-accounts", query_string={"q": "z" * 10_000})) == []


@pytest.mark.parametrize("query", ["sort=id;drop", "state=x", "fill=x", "state=key", "sort=name_key", "sort="])
def test_unknown_choices_fall_back(alice, cast, settings, clock, query):
    account = opened(cast, settings, clock.now())
    assert shown(alice.get(f"/sub-accounts?{query}")) == [account.number]


def test_regions_are_named_in_the_filter_as_people_call_them(alice, cast, settings, clock):
    Region.create(name="south", display_name="Hamburg")
    gone = Region.create(name="gone", display_name="Oslo", removed_at=clock.now())
    opened(cast, settings, clock.now(), "here")
    page = alice.get("/sub-accounts").text
    assert 'value="south">Hamburg</option>' in page and "Oslo" not in page
    opened(cast, settings, clock.now(), "there", region=gone)
    assert 'value="gone">Oslo</option>' in alice.get("/sub-accounts").text


def test_filters_find_what_they_say(alice, cast, settings, clock):
    now = clock.now()
    Region.create(name="south", endpoint="http://127.0.0.1:9", s3_region="x")
    plain = opened(cast, settings, now, "a plain")
    near = opened(cast, settings, now, "b near", used_bytes=TB * 85 // 100)
    full = opened(cast, settings, now, "c full", used_bytes=TB, writable=False)
    changing = opened(cast, settings, now, "d changing", generation=2)
    pending = opened(cast, settings, now, "e pending", phase="pending", observed_generation=0, key="pending")
    paused = opened(cast, settings, now, "f paused", phase="suspended")
    stuck = opened(cast, settings, now, "g stuck", phase="attention")
    gone = opened(cast, settings, now, "h gone", phase="deleted", wanted_state="deleted", key="deleted")
    south = opened(cast, settings, now, "i south", region=Region.get(Region.name == "south"))
    for query, found in (
        ("", [plain, near, full, changing, pending, paused, stuck, south]),
        ("state=setting-up", [pending]),
        ("state=changing", [changing, pending]),
        ("state=paused", [paused]),
        ("state=attention", [stuck]),
        ("state=deleted", [gone]),
        ("fill=near", [near]),
        ("fill=full", [full]),
        ("region=south", [south]),
        ("region=moon", []),
        ("q=full&fill=full", [full]),
    ):
        assert shown(alice.get(f"/sub-accounts?{query}")) == [account.number for account in found], query
    for query in ("state=key-waiting", "key=waiting"):
        waiting = shown(alice.get(f"/sub-accounts?{query}"))
        assert pending.number not in waiting and plain.number in waiting


def test_without_htmx_the_search_is_a_form_with_a_button(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    text = alice.get("/sub-accounts?q=mü").text
    assert re.search(r'<form action="/sub-accounts" method="get"[^>]*id="filters"', text)
    assert 'value="mü"' in text and re.search(r'<button type="submit"[^>]*>.*Search</button>', text)


def test_htmx_gets_the_rows_alone_and_what_to_say(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    answer = alice.get("/sub-accounts?q=m%C3%BC", htmx=True)
    assert answer.text.lstrip().startswith('<div id="rows"') and "<main" not in answer.text
    assert json.loads(answer.headers["HX-Trigger"]) == {"say": "1 sub-account found."}
    assert "HX-Request" in answer.headers["Vary"]
    nothing = alice.get("/sub-accounts?q=zz", htmx=True)
    assert json.loads(nothing.headers["HX-Trigger"]) == {"say": "No sub-account matches."}


def test_names_are_text_wherever_they_stand(alice, cast, settings, clock):
    for n, name in enumerate(HOSTILE):
        without_link = name.replace("://", " ").replace("www.", " ")
        opened(cast, settings, clock.now(), name, customer=f"Customer {n} {without_link}"[:120])
    page = alice.get("/sub-accounts")
    assert "<script>alert" not in page.text and "<img" not in page.text
    for row in table(alice.get("/sub-accounts/export.csv")):
        assert row["name"] in (*HOSTILE, f"'{HOSTILE[1]}") and not row["name"].startswith("=")


def test_another_partner_s_sub_accounts_are_not_there(client_as, cast, settings, clock):
    account = opened(cast, settings, clock.now())
    charlie = client_as(cast.charlie)
    for address in ("/sub-accounts", "/sub-accounts?q=müller", f"/sub-accounts?q={account.number}"):
        assert shown(charlie.get(address)) == []
    assert account.number not in charlie.get("/sub-accounts/export.csv").text


def test_a_viewer_sees_the_list_and_neither_details_nor_keys(client_as, cast, settings, clock):
    account = opened(cast, settings, clock.now())
    vera = client_as(cast.vera)
    text = vera.get("/sub-accounts").text
    assert account.number in text and f"/sub-accounts/{account.number}" not in text
    assert "First key" not in text and "Not shown" not in text and "/sub-accounts/new" not in text
    assert shown(vera.get("/sub-accounts?state=key-waiting")) == [account.number]
    file = vera.get("/sub-accounts/export.csv").text
    assert account.number in file and "first_key" not in file and "marta@example.com" not in file


def test_the_file_holds_the_whole_selection_with_exact_numbers(alice, cast, settings, clock):
    opened(cast, settings, clock.now(), used_bytes=123_456_789_012, measured_at=clock.now())
    opened(cast, settings, clock.now(), "Unmeasured", allow_overdraft=True)
    many(cast, clock.now(), 120)
    answer = alice.get("/sub-accounts/export.csv")
    assert answer.mimetype == "text/csv" and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sub-accounts-2026-03-02.csv"'
    rows = {row["name"]: row for row in table(answer)}
    assert len(rows) == 122
    row = rows["Müller GmbH"]
    assert (row["used_bytes"], row["allocated_bytes"]) == ("123456789012", str(TB))
    assert row["measured_at"] == "2026-03-02T09:00:00Z"
    assert (row["state"], row["settled"], row["flow_down"], row["first_key"]) == ("ready", "yes", "attested", "waiting")
    assert rows["Unmeasured"]["used_bytes"] == "" and rows["Unmeasured"]["excess_allowed"] == "yes"
    assert len(table(alice.get("/sub-accounts/export.csv?q=customer&fill=near"))) == 0
    assert len(table(alice.get("/sub-accounts/export.csv?q=customer"))) == 120


def test_the_file_is_made_in_batches_and_in_the_list_s_order(alice, cast, clock, count_queries):
    numbers = many(cast, clock.now(), 2500, name="Equal {n:04d}")
    with count_queries() as queries:
        rows = table(alice.get("/sub-accounts/export.csv?sort=newest"))
    assert [row["number"] for row in rows] == numbers[::-1]
    assert queries.count <= 7
    assert SubAccount.select().count() == 2500


def test_nobody_is_sent_to_sign_in(client, cast):
    for address in ("/sub-accounts", "/sub-accounts/export.csv"):
        assert client.get(address).status_code == 303


def test_an_operator_has_no_list(client_as, cast):
    assert client_as(cast.olga).get("/sub-accounts").status_code == 404
