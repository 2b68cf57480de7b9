"""The page of one sub-account: what it says in each state, how it follows the set-up, and for whom it exists."""

import json
import re
from datetime import date, timedelta

import pytest

from models.flow_down import FlowDown
from models.sub_account import AccessKey, Region, SubAccount
from models.usage import UsageDay
from tests.accounts import TB, opened


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def account(cast, settings, clock):
    return opened(cast, settings, clock.now(), used_bytes=TB // 4, measured_at=clock.now())


def measured(account, day_on: date, used_bytes: int, at, allocated_bytes: int = TB) -> None:
    UsageDay.create(
        sub_account=account, day_on=day_on, samples=2, hours=2, average_bytes=used_bytes,
        peak_bytes=used_bytes + 10**9, last_bytes=used_bytes, allocated_bytes=allocated_bytes, measured_at=at,
    )  # fmt: skip


def test_the_page_shows_capacity_connection_terms_customer_and_history(alice, account):
    page = alice.get(f"/sub-accounts/{account.number}")
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    for part in (
        "250\u00a0GB of 1\u00a0TB", "measured", "http://127.0.0.1:8333", "us-east-1", f"{account.number}-main",
        "path style", "MSA-77", "1 Feb 2026", "Agreed", "Marta Muster", "marta@example.com", "Sub-account created",
        "Alice Adler", 'href="/allocations/RCP-1001"',
    ):  # fmt: skip
        assert part in page.text, part
    assert "hx-trigger" not in page.text


def test_the_page_takes_twelve_queries(alice, account, clock, count_queries):
    for days in range(30):
        measured(account, clock.now().date() - timedelta(days=days), 10**9 * days, clock.now())
    with count_queries() as queries:
        assert alice.get(f"/sub-accounts/{account.number}").status_code == 200
    assert queries.count <= 12, queries.statements


@pytest.mark.parametrize("way", ["", "/edit", "/state", "/keys/1/reveal", "/keys/1/stored"])
def test_foreign_and_unknown_numbers_are_answered_alike(client_as, cast, account, way):
    charlie = client_as(cast.charlie)
    ask = charlie.post if "keys" in way else charlie.get
    answers = [ask(f"/sub-accounts/{number}{way}") for number in (account.number, "000000000000")]
    assert [answer.status_code for answer in answers] == [404, 404]
    fresh = r"reference [0-9a-f]{16}|[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}"
    bodies = [re.sub(fresh, "", answer.text.replace(account.number, "0" * 12)) for answer in answers]
    assert bodies[0] == bodies[1]
    assert "Müller" not in answers[0].text


@pytest.mark.parametrize("way", ["", "/edit", "/state", "/keys/1/reveal", "/keys/1/stored"])
def test_a_viewer_may_not_open_it(client_as, cast, account, way):
    vera = client_as(cast.vera)
    ask = vera.post if "keys" in way else vera.get
    assert ask(f"/sub-accounts/{account.number}{way}").status_code == 403


def test_staff_may_open_it(client_as, cast, account):
    assert client_as(cast.bob).get(f"/sub-accounts/{account.number}").status_code == 200


@pytest.mark.parametrize(
    ("kind", "seconds", "words"),
    [
        ("delayed", 3, "Writing stops within about 3 seconds after the allocation is full."),
        ("delayed", 3, "With very many objects it can take some minutes."),
        ("immediate", None, "Writing stops at once."),
        ("none", None, "The storage service does not stop writing by itself."),
    ],
)
def test_it_says_when_writing_stops(alice, account, kind, seconds, words):
    Region.update(hard_quota=kind, quota_delay_seconds=seconds).execute()
    assert words in alice.get(f"/sub-accounts/{account.number}").text


def test_it_says_what_more_than_the_allocation_costs(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), allow_overdraft=True, used_bytes=2 * TB)
    text = alice.get(f"/sub-accounts/{account.number}").text
    assert re.search(r"The excess is billed at [^<]*0\.008[^<]* per GB and month\.", text)
    assert "Above the allocation" in text


def test_pay_per_use_has_no_limit_and_no_way_to_the_board(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), billing="pay_per_use", used_bytes=TB)
    text = alice.get(f"/sub-accounts/{account.number}").text
    assert "none, pay per use" in text and "Change the allocation" not in text


# Following the set-up


def poll_url(page) -> str:
    return re.search(r'hx-get="([^"]+/state[^"]*)"', page.text)[1].replace("&amp;", "&")


def test_the_set_up_is_followed_live_and_asking_stops_when_it_is_over(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), phase="pending", observed_generation=0, key="pending")
    page = alice.get(f"/sub-accounts/{account.number}")
    assert "Being set up, usually in under a minute" in page.text and 'hx-trigger="every 1s"' in page.text
    same = alice.get(poll_url(page), htmx=True)
    assert same.status_code == 204 and "HX-Trigger" not in same.headers

    SubAccount.update(phase="provisioning").execute()
    step = alice.get(poll_url(page), htmx=True)
    assert step.status_code == 200 and 'hx-trigger="every 1s"' in step.text and "HX-Trigger" not in step.headers
    assert alice.get(poll_url(step), htmx=True).status_code == 204

    AccessKey.update(phase="live", access_key_id="PPONE", retained_ct="sealed").execute()
    SubAccount.update(phase="ready", observed_generation=1).execute()
    done = alice.get(poll_url(step), htmx=True)
    assert "hx-trigger" not in done.text and "Active" in done.text
    assert 'id="keys"' in done.text and "Show the key" in done.text and 'hx-swap-oob="true"' in done.text
    assert json.loads(done.headers["HX-Trigger"]) == {"say": "Müller GmbH is up to date on the storage service."}
    assert len(done.data) <= 8192


def test_a_poll_keeps_no_session_alive(alice, cast, settings, clock):
    account = opened(cast, settings, clock.now(), phase="pending", observed_generation=0, key="pending")
    url = poll_url(alice.get(f"/sub-accounts/{account.number}"))
    for _ in range(13):
        clock.advance(minutes=5)
        last = alice.get(url, htmx=True)
    assert last.status_code == 286  # the polling ends, the page stays


def test_a_change_after_the_key_was_shown_does_not_swap_the_secret_away(alice, account):
    alice.post(f"/sub-accounts/{account.number}/keys/{AccessKey.get().id}/reveal")
    SubAccount.update(phase="updating", generation=2).execute()
    page = alice.get(f"/sub-accounts/{account.number}")
    assert "A change is being applied" in page.text
    SubAccount.update(phase="ready", observed_generation=2).execute()
    done = alice.get(poll_url(page), htmx=True)
    assert 'id="capacity"' in done.text and 'id="keys"' not in done.text


@pytest.mark.parametrize(
    ("row", "words", "asks"),
    [
        ({"phase": "attention"}, "Existing access goes on", False),
        ({"phase": "attention", "reason_code": "missing"}, "does not find this storage account", False),
        ({"phase": "waiting_capacity", "generation": 2}, "as soon as another sub-account", True),
        (
            {"phase": "pending", "observed_state": "", "reason_code": "no_room", "observed_generation": 0},
            "set-up goes on as soon as another sub-account",
            True,
        ),
        ({"phase": "suspended"}, "Paused", False),
        ({"writable": False}, "Full, uploads refused", False),
    ],
)
def test_other_states_say_what_they_mean(alice, cast, settings, clock, row, words, asks):
    account = opened(cast, settings, clock.now(), **row)
    text = alice.get(f"/sub-accounts/{account.number}").text
    assert words in text and ("hx-trigger" in text) is asks


def test_a_new_one_that_waits_for_capacity_shows_how_far_its_set_up_is(alice, cast, settings, clock):
    row = {"phase": "pending", "observed_state": "", "observed_generation": 0, "in_force_bytes": None}
    account = opened(cast, settings, clock.now(), key="pending", **row)
    page = alice.get(f"/sub-accounts/{account.number}")
    SubAccount.update(reason_code="no_room").execute()
    told = alice.get(poll_url(page), htmx=True)
    assert "Being set up, waiting for capacity" in told.text and "Storage account" in told.text
    assert "usually in under a minute" not in told.text and "Active" not in told.text


def test_without_htmx_the_state_is_the_page(alice, account):
    answer = alice.get(f"/sub-accounts/{account.number}/state")
    assert answer.status_code == 303 and answer.location == f"/sub-accounts/{account.number}"


# Usage and terms


def test_the_chart_leaves_gaps_and_has_a_table(alice, account, clock):
    today = clock.now().date()
    for days, used in ((0, TB // 4), (1, TB // 5), (5, 2 * TB), (31, TB)):
        measured(account, today - timedelta(days=days), used, clock.now())
    text = alice.get(f"/sub-accounts/{account.number}").text
    chart = text[text.index('id="usage-chart"') :]
    assert chart.count("<title>") == 3
    assert 'class="bar-over"' in chart
    assert "24 Feb 2026" not in chart and "25 Feb 2026" in chart
    assert "2\u00a0times" in chart or "2 times" in chart


def test_without_figures_it_says_so(alice, account):
    assert "Nothing was measured in the last 30 days" in alice.get(f"/sub-accounts/{account.number}").text


def test_missing_terms_are_said(alice, account):
    FlowDown.delete().execute()
    assert "Missing" in alice.get(f"/sub-accounts/{account.number}").text


# What it is called


def test_name_and_contact_can_be_changed(alice, account):
    form = alice.get(f"/sub-accounts/{account.number}/edit")
    assert 'value="Müller GmbH"' in form.text
    sent = {"name": "Müller Süd", "contact_name": "Max", "contact_email": "max@example.com"}
    answer = alice.post(f"/sub-accounts/{account.number}/edit", data=sent)
    assert answer.status_code == 303
    text = alice.get(answer.location).text
    assert "Müller Süd" in text and "max@example.com" in text and "Saved." in text
    assert "Sub-account details changed" in text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"name": ""}, "Enter a name."),
        ({"contact_email": "max"}, "Enter a mail address such as name@example.com."),
        ({"name": "Other GmbH"}, "is already called"),
        ({"name": "a\u202eb"}, "cannot be seen"),
        ({"contact_name": "See www.evil.example"}, "A name does not contain a web address."),
    ],
)
def test_a_wrong_detail_is_refused_beside_its_field(alice, cast, settings, clock, account, sent, words):
    opened(cast, settings, clock.now(), "Other GmbH")
    whole = {"name": "Müller", "contact_name": "Max", "contact_email": "max@example.com"} | sent
    answer = alice.post(f"/sub-accounts/{account.number}/edit", data=whole)
    assert answer.status_code == 422 and words in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert SubAccount.get_by_id(account.id).name == "Müller GmbH"


def test_fields_that_the_form_does_not_have_change_nothing(alice, account, cast):
    sent = {"name": "Müller", "contact_name": "Max", "contact_email": "max@example.com"}
    more = {"allocated_bytes": "1", "partner_id": cast.contoso.id, "wanted_state": "deleted", "number": "1"}
    assert alice.post(f"/sub-accounts/{account.number}/edit", data=sent | more).status_code == 303
    row = SubAccount.get_by_id(account.id)
    assert (row.allocated_bytes, row.partner, row.wanted_state) == (TB, cast.northwind, "active")
