"""Usage over a range of days: exact averages, gaps that stay gaps, sums, pages, the file."""

import csv
import io
import re
from datetime import date

import pytest

from models.sub_account import SubAccount
from models.usage import UsageDay
from tests.accounts import TB, many, opened

GB = 10**9


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def on(clock):
    """`on(account, 2026-02-05, used, allocated)`: that day as the worker leaves it."""

    def measured(account, day_on: date, used_bytes: int, allocated_bytes: int = TB, peak_bytes: int = 0) -> None:
        UsageDay.create(
            sub_account=account, day_on=day_on, samples=1, hours=1, average_bytes=used_bytes,
            peak_bytes=max(peak_bytes, used_bytes), last_bytes=used_bytes, allocated_bytes=allocated_bytes,
            measured_at=clock.now(),
        )  # fmt: skip

    return measured


def table(response) -> dict[str, dict]:
    assert response.status_code == 200 and response.mimetype == "text/csv"
    return {row["name"]: row for row in csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"), newline=""))}


FEBRUARY = "first=2026-02-01&last=2026-02-28"


def test_averages_count_the_measured_days_and_excess_counts_each_day(alice, cast, settings, clock, on):
    account = opened(cast, settings, clock.now())
    on(account, date(2026, 1, 31), 9 * TB)
    on(account, date(2026, 2, 1), 500 * GB, peak_bytes=600 * GB)
    on(account, date(2026, 2, 2), 1_200 * GB)
    on(account, date(2026, 2, 28), 1_000 * GB + 1, 2 * TB)
    on(account, date(2026, 3, 1), 9 * TB)
    row = table(alice.get(f"/usage/export.csv?{FEBRUARY}"))["Müller GmbH"]
    assert row["days_measured"] == "3"
    assert row["average_bytes"] == str((500 * GB + 1_200 * GB + 1_000 * GB + 1) // 3)
    assert (row["peak_bytes"], row["last_bytes"]) == (str(1_200 * GB), str(1_000 * GB + 1))
    assert row["allocated_bytes"] == str(2 * TB)
    assert row["excess_bytes"] == str(200 * GB // 3)
    text = alice.get(f"/usage?{FEBRUARY}").text
    assert "900\u00a0GB" in text and "1.2\u00a0TB" in text and "66.667\u00a0GB" in text and "3 of 28 days" in text


def test_a_year_of_an_exabyte_is_exact(alice, cast, settings, clock, on):
    account = opened(cast, settings, clock.now(), allow_overdraft=True)
    days = [date.fromordinal(date(2025, 6, 1).toordinal() + n) for n in range(200)]
    for n, day_on in enumerate(days):
        on(account, day_on, 10**18 + n)
    row = table(alice.get("/usage/export.csv?first=2025-06-01&last=2026-02-28"))["Müller GmbH"]
    assert row["average_bytes"] == str(10**18 + 99)
    assert row["excess_bytes"] == str(10**18 - TB + 99)
    assert alice.get("/usage?first=2025-06-01&last=2026-02-28").status_code == 200


def test_what_was_not_measured_is_a_dash_and_an_empty_cell(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    page = alice.get(f"/usage?{FEBRUARY}").text
    assert "not measured" in page and page.count(">–<") == 5
    row = table(alice.get(f"/usage/export.csv?{FEBRUARY}"))["Müller GmbH"]
    assert (row["days_measured"], row["average_bytes"], row["last_measured_at"]) == ("0", "", "")


def test_pay_per_use_has_no_excess(alice, cast, settings, clock, on):
    account = opened(cast, settings, clock.now(), billing="pay_per_use")
    on(account, date(2026, 2, 1), TB, 0)
    row = table(alice.get(f"/usage/export.csv?{FEBRUARY}"))["Müller GmbH"]
    assert (row["average_bytes"], row["allocated_bytes"], row["excess_bytes"]) == (str(TB), "", "")
    assert "pay per use" in alice.get(f"/usage?{FEBRUARY}").text


def test_sums_are_those_of_all_pages_and_of_one_s_own(alice, cast, settings, clock, on):
    many(cast, clock.now(), 120)
    for row in SubAccount.select():
        on(row, date(2026, 2, 1), 2 * TB, TB)
    on(opened(cast, settings, clock.now(), "Charlie's", who=cast.charlie), date(2026, 2, 1), 7 * TB)
    text = alice.get(f"/usage?{FEBRUARY}").text
    foot = text[text.index("<tfoot>") :]
    assert "All 120 measured sub-accounts" in foot
    assert "240\u00a0TB" in foot and foot.count("120\u00a0TB") == 2


def test_pages_lose_and_repeat_nothing_over_all_pages(alice, cast, clock):
    numbers = many(cast, clock.now(), 120, name="Equal {n:04d}")
    walked, address = [], f"/usage?{FEBRUARY}"
    while address:
        page = alice.get(address).text
        walked += re.findall(r'href="/sub-accounts/([0-9]{12})"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found and found[1].replace("&amp;", "&")
    assert walked == numbers
    back = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert re.findall(r'href="/sub-accounts/([0-9]{12})"', alice.get(back).text) == numbers[50:100]


def test_a_page_takes_seven_queries_however_many_rows(alice, cast, clock, on, count_queries):
    many(cast, clock.now(), 120)
    for row in SubAccount.select():
        on(row, date(2026, 3, 1), TB)
    with count_queries() as queries:
        assert alice.get("/usage").status_code == 200
    assert queries.count <= 7, queries.statements


def test_this_month_is_shown_when_nothing_is_asked(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    text = alice.get("/usage").text
    assert 'value="2026-03-01"' in text and 'value="2026-03-02"' in text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("first=2026-02-02&last=2026-02-01", "must not be before the first"),
        ("first=2024-02-01&last=2026-02-01", "Choose at most 366 days."),
        ("first=x&last=2026-02-01", "Enter a day such as 2026-03-02."),
        ("first=2026-02-01", "Enter a day such as 2026-03-02."),
    ],
)
def test_days_that_cannot_be_shown_are_explained(alice, cast, settings, clock, query, words):
    opened(cast, settings, clock.now())
    for address in ("/usage", "/usage/export.csv"):
        answer = alice.get(f"{address}?{query}")
        assert answer.status_code == 422 and words in answer.text and "There is a problem" in answer.text


def test_the_file_holds_all_and_no_formula(alice, cast, settings, clock):
    many(cast, clock.now(), 1200, name="=Equal{n}")
    answer = alice.get("/usage/export.csv")
    rows = table(answer)
    assert len(rows) == 1200 and all(name.startswith("'=") for name in rows)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage-2026-03-01-to-2026-03-02.csv"'


def test_what_is_gone_is_shown_for_the_days_that_it_was_there(alice, cast, settings, clock, on):
    account = opened(cast, settings, clock.now(), phase="deleted", wanted_state="deleted", key="deleted")
    assert "Müller GmbH" not in alice.get(f"/usage?{FEBRUARY}").text
    on(account, date(2026, 2, 1), TB)
    assert "Müller GmbH" in alice.get(f"/usage?{FEBRUARY}").text


def test_a_viewer_sees_figures_without_a_way_to_details(client_as, cast, settings, clock, on):
    account = opened(cast, settings, clock.now())
    text = client_as(cast.vera).get("/usage").text
    assert "Müller GmbH" in text and f"/sub-accounts/{account.number}" not in text
    assert account.number in client_as(cast.vera).get("/usage/export.csv").text


def test_strangers_and_operators_see_nothing(client, client_as, cast, settings, clock, on):
    on(opened(cast, settings, clock.now()), date(2026, 3, 1), TB)
    assert "Müller" not in client_as(cast.charlie).get("/usage").text
    assert "Müller" not in client_as(cast.charlie).get("/usage/export.csv").text
    assert client_as(cast.olga).get("/usage").status_code == 404
    assert client.get("/usage").status_code == 303


def test_htmx_gets_the_lines_alone(alice, cast, clock):
    many(cast, clock.now(), 60)
    text = alice.get("/usage", htmx=True).text
    assert text.lstrip().startswith('<div id="lines"') and "<main" not in text
