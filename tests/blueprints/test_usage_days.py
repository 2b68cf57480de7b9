"""Usage of one sub-account: days of one's choice, buckets, traffic; and files of all days. Gaps are seen as gaps."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from blueprints import usage
from models.sub_account import Region, SubAccount
from models.usage import AccountUse, TrafficDay, TrafficTold, UsageDay
from services import usage_files
from tests.accounts import TB, many, opened

GB = 10**9
FEBRUARY = "first=2026-02-01&last=2026-02-28"


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def account(cast, settings, clock):
    made = opened(cast, settings, clock.now(), used_bytes=TB // 4, measured_at=clock.now())
    SubAccount.update(created_at=datetime(2026, 2, 2, 15, tzinfo=UTC)).where(SubAccount.id == made.id).execute()
    return made


def on(account, day_on: date, used_bytes: int, **more) -> None:
    values = {
        "samples": 4, "hours": 2, "average_bytes": used_bytes, "peak_bytes": used_bytes, "last_bytes": used_bytes,
        "allocated_bytes": TB, "measured_at": datetime(day_on.year, day_on.month, day_on.day, 23, tzinfo=UTC),
    }  # fmt: skip
    UsageDay.create(sub_account=account, day_on=day_on, **(values | more))


def bucket(name: str, used_bytes: int, objects: int, old: int | None, unfinished: int | None) -> dict:
    told = {"noncurrent_bytes": old, "unfinished_bytes": unfinished}
    return {"name": name, "used_bytes": used_bytes, "objects": objects, **told}


def told_hours(region: Region, first_at: datetime, hours: int) -> None:
    for hour in range(hours):
        TrafficTold.create(region=region, hour_at=first_at + timedelta(hours=hour))
    until_at = first_at + timedelta(hours=hours)
    Region.update(traffic_until_at=until_at).where(Region.id == region.id).execute()


def rows(answer) -> list[dict]:
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))


# The page


def test_the_chart_shows_average_peak_and_allocation_of_measured_days_alone(alice, account):
    on(account, date(2026, 2, 3), 100 * GB, peak_bytes=400 * GB)
    on(account, date(2026, 2, 10), 1200 * GB)
    text = alice.get(f"/usage/{account.number}?{FEBRUARY}").text
    picture = text[text.index('role="img"') : text.index("</svg>", text.index('role="img"'))]
    assert re.findall(r"<title>(.*?)</title>", picture) == [
        "3 Feb 2026: average 100\u00a0GB, peak 400\u00a0GB",
        "10 Feb 2026: average 1.2\u00a0TB, peak 1.2\u00a0TB",
    ]
    assert picture.count('fill="none"') == 1 and picture.count('class="bar-over"') == 1
    assert picture.count('stroke-width="2"') == 2
    assert "polyline" not in picture and "<path" not in picture


def test_the_days_can_be_chosen_and_a_wrong_choice_is_explained(alice, account):
    on(account, date(2026, 2, 3), 100 * GB)
    assert (
        "Nothing was measured on these days"
        in alice.get(f"/usage/{account.number}?first=2026-02-04&last=2026-02-28").text
    )
    for way in ("", "/days.csv"):
        answer = alice.get(f"/usage/{account.number}{way}?first=2026-02-04&last=2026-02-01")
        assert answer.status_code == 422 and "must not be before the first" in answer.text


def test_without_a_choice_the_last_thirty_days_are_shown(alice, account):
    text = alice.get(f"/usage/{account.number}").text
    assert 'value="2026-02-01"' in text and 'value="2026-03-02"' in text


def test_buckets_are_shown_with_their_time_and_what_is_not_told_says_so(alice, account, clock):
    buckets = [bucket("main", 300 * GB, 12345, None, 5 * GB), bucket("older", 0, 0, None, 0)]
    AccountUse.create(sub_account=account, measured_at=clock.now(), unfinished_bytes=5 * GB, buckets=buckets)
    for path in (f"/sub-accounts/{account.number}", f"/usage/{account.number}"):
        text = alice.get(path).text
        part = text[text.index('id="usage-buckets"') : text.index('id="usage-traffic"')]
        assert "measured" in part and "300\u00a0GB" in part and "12,345" in part and "5\u00a0GB" in part
        assert part.count("not told") == 2


def test_old_versions_that_are_told_are_shown_and_nothing_is_shown_as_nothing(alice, account, clock):
    buckets = [bucket("main", 300 * GB, 5, 0, 0)]
    on(account, date(2026, 3, 1), GB)
    AccountUse.create(sub_account=account, measured_at=clock.now(), buckets=buckets)
    text = alice.get(f"/usage/{account.number}").text
    part = text[text.index('id="usage-buckets"') : text.index('id="usage-traffic"')]
    assert "not told" not in part and part.count('value="0"') == 2


def test_without_buckets_or_measurement_it_says_so(alice, account, clock):
    assert "not measured yet" in alice.get(f"/usage/{account.number}").text
    AccountUse.create(sub_account=account, measured_at=clock.now(), buckets=[])
    assert "There is no bucket yet." in alice.get(f"/usage/{account.number}").text


def test_names_of_buckets_are_only_text(alice, account, clock):
    name = "<script>alert(1)</script>"
    AccountUse.create(sub_account=account, measured_at=clock.now(), buckets=[bucket(name, 1, 1, 0, 0)])
    assert name not in alice.get(f"/usage/{account.number}").text


def test_traffic_is_shown_where_it_is_told(alice, account):
    page = f"/usage/{account.number}?{FEBRUARY}"
    for can, words in (
        ({"traffic": False}, "does not tell traffic"),
        ({"traffic": True}, "not told yet"),
        ({}, "not told yet"),
    ):
        Region.update(capabilities=can).execute()
        assert words in alice.get(page).text
    told_hours(account.region, datetime(2026, 3, 1, tzinfo=UTC), 5)
    assert "The traffic of these days is not known" in alice.get(page).text
    told_hours(account.region, datetime(2026, 2, 5, 22, tzinfo=UTC), 4)
    for day in (5, 6):
        TrafficDay.create(
            sub_account=account, day_on=date(2026, 2, day), received_bytes=3 * GB, sent_bytes=GB, requests=700
        )
    text = alice.get(page).text
    part = text[text.index('id="usage-traffic"') :]
    assert "6\u00a0GB" in part and "2\u00a0GB" in part and "1,400" in part and "4 hours of these days" in part


@pytest.mark.parametrize(("path", "most"), [("/sub-accounts/{}", 12), ("/usage/{}", 8)])
def test_pages_take_no_more_questions_with_buckets_days_and_traffic(alice, account, clock, count_queries, path, most):
    buckets = [bucket(f"bucket-{n}", GB, 1, 0, 0) for n in range(100)]
    AccountUse.create(sub_account=account, measured_at=clock.now(), buckets=buckets)
    told_hours(account.region, datetime(2026, 3, 1, tzinfo=UTC), 24)
    for days in range(30):
        on(account, clock.now().date() - timedelta(days=days), GB * days)
    with count_queries() as queries:
        assert "bucket-99" in alice.get(path.format(account.number)).text
    assert queries.count <= most, queries.statements


def test_a_viewer_sees_usage_by_bucket_and_no_details(client_as, cast, account):
    vera = client_as(cast.vera)
    assert f'href="/usage/{account.number}"' in vera.get("/usage").text
    text = vera.get(f"/usage/{account.number}").text
    assert "Müller GmbH" in text and "/sub-accounts/" not in text and "Marta" not in text


@pytest.mark.parametrize("way", ["", "/days.csv"])
def test_foreign_and_unknown_sub_accounts_are_not_found(client_as, cast, account, way):
    charlie = client_as(cast.charlie)
    for number in (account.number, "000000000000"):
        assert charlie.get(f"/usage/{number}{way}").status_code == 404
    assert client_as(cast.olga).get(f"/usage/{account.number}{way}").status_code == 404


# The files


def test_the_file_has_a_row_a_day_and_empty_cells_where_nothing_was_measured(alice, account):
    on(account, date(2026, 2, 3), 1200 * GB, object_count=7, noncurrent_bytes=0, peak_bytes=1300 * GB)
    answer = alice.get(f"/usage/{account.number}/days.csv?{FEBRUARY}")
    found = rows(answer)
    assert [row["day"] for row in found] == [f"2026-02-{day:02}" for day in range(2, 29)]
    gap, full = found[0], found[1]
    assert {gap[name] for name in gap if name not in ("number", "name", "customer", "billing", "day")} == {""}
    assert (full["hours_measured"], full["average_bytes"], full["peak_bytes"]) == ("2", str(1200 * GB), str(1300 * GB))
    assert (full["allocated_bytes"], full["excess_bytes"], full["objects"]) == (str(TB), str(200 * GB), "7")
    assert (full["old_versions_bytes"], full["unfinished_uploads_bytes"]) == ("0", "")
    assert full["last_measured_at"] == "2026-02-03T23:00:00Z"
    name = f"usage-{account.number}-2026-02-01-to-2026-02-28.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_traffic_that_is_known_to_be_none_is_0_and_unknown_is_empty(alice, account):
    told_hours(account.region, datetime(2026, 2, 3, tzinfo=UTC), 30)
    TrafficDay.create(sub_account=account, day_on=date(2026, 2, 4), received_bytes=5, sent_bytes=6, requests=7)
    found = {row["day"][8:]: row for row in rows(alice.get(f"/usage/{account.number}/days.csv?{FEBRUARY}"))}
    columns = ("traffic_hours_known", "received_bytes", "sent_bytes", "requests")
    assert [found["03"][name] for name in columns] == ["24", "0", "0", "0"]
    assert [found["04"][name] for name in columns] == ["6", "5", "6", "7"]
    assert [found["05"][name] for name in columns] == ["", "", "", ""]


def test_days_to_come_have_no_row(alice, account):
    found = rows(alice.get(f"/usage/{account.number}/days.csv?first=2026-03-01&last=2026-03-31"))
    assert [row["day"] for row in found] == ["2026-03-01", "2026-03-02"]


def test_one_that_is_gone_has_rows_until_its_last_measured_day(alice, account):
    SubAccount.update(phase="deleted").where(SubAccount.id == account.id).execute()
    on(account, date(2026, 2, 4), GB)
    found = rows(alice.get(f"/usage/days.csv?{FEBRUARY}"))
    assert [row["day"] for row in found] == ["2026-02-02", "2026-02-03", "2026-02-04"]
    assert rows(alice.get("/usage/days.csv?first=2026-02-05&last=2026-02-28")) == []


def test_pay_per_use_has_neither_allocation_nor_excess(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), billing="pay_per_use")
    on(account, clock.now().date(), TB, allocated_bytes=0)
    (row,) = rows(alice.get(f"/usage/{account.number}/days.csv"))
    assert (row["average_bytes"], row["allocated_bytes"], row["excess_bytes"]) == (str(TB), "", "")


def test_the_file_of_all_holds_each_sub_account_once_and_nobody_else_s(alice, client_as, cast, settings, clock):
    numbers = many(cast, clock.now(), 50, name="=Equal {n:04d}", created_at=datetime(2026, 2, 1, tzinfo=UTC))
    for account in SubAccount.select():
        on(account, date(2026, 2, 1), GB)
    on(opened(cast, settings, clock.now(), "Charlie's", who=cast.charlie), date(2026, 2, 1), GB)
    answer = alice.get("/usage/days.csv?first=2026-02-01&last=2026-02-02")
    found = rows(answer)
    assert [(row["number"], row["day"]) for row in found] == [
        (number, f"2026-02-0{day}") for number in numbers for day in (1, 2)
    ]
    assert all(row["name"].startswith("'=") for row in found)
    assert "usage-by-day-2026-02-01-to-2026-02-02.csv" in answer.headers["Content-Disposition"]
    assert "Equal" not in client_as(cast.charlie).get("/usage/days.csv?first=2026-02-01&last=2026-02-02").text


def test_days_that_cannot_be_shown_are_explained_instead_of_a_file(alice, account):
    answer = alice.get("/usage/days.csv?first=2024-02-01&last=2026-02-01")
    assert answer.status_code == 422 and "Choose at most 366 days." in answer.text


def test_more_lines_than_a_file_may_have_are_refused_with_the_days_that_fit(alice, client_as, cast, clock, monkeypatch):
    monkeypatch.setattr(usage_files, "MOST_LINES", 100)
    long_ago, later = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 15, tzinfo=UTC)
    many(cast, clock.now(), 10, created_at=long_ago)
    many(cast, clock.now(), 5, name="Gone {n}", created_at=long_ago, phase="deleted")
    many(cast, clock.now(), 5, name="Later {n}", created_at=later)
    answer = alice.get("/usage/days.csv?first=2026-02-01&last=2026-02-11")
    assert answer.status_code == 422 and answer.mimetype == "text/html"
    words = "Choose fewer days, at most 10: this file has a line for each day of each sub-account."
    assert answer.text.count(words) == 2, "in the summary and beside the field"
    assert 'value="2026-02-11"' in answer.text
    assert len(rows(alice.get("/usage/days.csv?first=2026-02-01&last=2026-02-10"))) == 100
    assert alice.get("/usage/days.csv?first=2026-02-15&last=2026-02-21").status_code == 422
    assert len(rows(alice.get("/usage/days.csv?first=2026-03-01&last=2026-12-31"))) == 30, "days to come have no line"
    assert rows(client_as(cast.charlie).get("/usage/days.csv?first=2026-02-01&last=2026-02-28")) == []


def test_one_file_at_a_time_is_made_for_a_partner_and_not_for_all_together(alice, client_as, cast, monkeypatch):
    path, charlie = f"/usage/days.csv?{FEBRUARY}", client_as(cast.charlie)
    end = usage.desk.begin(cast.northwind)
    again = alice.get(path)
    assert again.status_code == 429 and "is being made for you already" in again.text
    assert charlie.get(path).status_code == 200
    monkeypatch.setattr(usage_files, "MOST_AT_ONCE", 1)
    other = charlie.get(path)
    assert other.status_code == 429 and "Other files are being made" in other.text
    end()
    for _ in range(2):
        assert alice.get(path).status_code == charlie.get(path).status_code == 200


def test_a_file_that_is_broken_off_or_never_read_stands_in_the_way_of_no_other(alice, cast, clock):
    many(cast, clock.now(), 50, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    path = f"/usage/days.csv?{FEBRUARY}"
    assert alice.head(path).status_code == 200
    begun = alice.get(path, buffered=False)
    assert begun.status_code == 200
    assert alice.get(path).status_code == 429
    begun.close()
    assert len(rows(alice.get(path))) == 50 * 28
