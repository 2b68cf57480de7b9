"""The main job, walked for real from the first visit to a customer's stored file, and in four ways."""

import time
from collections.abc import Callable

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from tests.browser import capacity
from tests.browser.application import button, expect_page, sign_in
from tests.browser.capacity import ANNA, BERT, CARL, CUSTOMERS, PROGRAMS, Pair
from tests.browser.hands import WAYS
from tests.browser.programs import store_and_fetch
from tests.browser.running import wait_until
from tests.browser.walks import Walk

pytestmark = [pytest.mark.browser, pytest.mark.storage, pytest.mark.slow, pytest.mark.xdist_group("journey")]

PIECE_BYTES = 64 * 2**20
MOST_PIECES = 24
REFUSED_SECONDS = 20  # the page promises 3; tests share their machine with others


@pytest.fixture(scope="module")
def clicks(walked: Callable) -> Walk:
    return walked("clicks")


@pytest.mark.parametrize("way", WAYS)
def test_the_main_job_is_done_with(way, walked):
    walk = walked(way)
    assert walk.complaints == []
    assert sorted(walk.pairs) == sorted(customer.name for customer in CUSTOMERS)


@pytest.mark.parametrize("way", WAYS)
def test_no_request_leaves_the_portal(way, walked):
    walk = walked(way)
    assert len(walk.asked) > 50
    assert [url for url in walk.asked if not url.startswith((walk.portal.url + "/", "data:"))] == []


@pytest.mark.parametrize("way", [way for way in WAYS if way != "clicks"])
def test_every_way_ends_with_the_same_rows(way, walked, clicks):
    assert walked(way).rows == clicks.rows


def test_the_walk_left_what_it_should(clicks):
    rows = clicks.rows
    assert [row["allocated_bytes"] for row in rows["sub_account"]] == [str(3 * 10**12), str(6999 * 10**9), str(10**9)]
    assert {row["phase"] for row in rows["sub_account"]} == {"ready"}
    for row in rows["sub_account"]:  # what the storage server holds is what was saved last
        assert row["observed_quota_bytes"] == row["in_force_bytes"] == row["allocated_bytes"]
    kinds = ["acceptable_use", "data_processing", "portal_terms", "privacy_notice"]
    assert sorted(row["kind"] for row in rows["acceptance"]) == kinds
    assert rows["contract"][0]["allocated_bytes"] == rows["contract"][0]["reserved_bytes"] == str(10**13)
    assert {(row["kept"], row["secret_gone"], row["revealed"], row["stored"]) for row in rows["key"]} == {("1",) * 4}
    acts = [("opened", 3), ("changed", 2), ("undone", 2), ("changed", 2)]
    assert [row["cause"] for row in rows["ledger"]] == [cause for cause, lines in acts for _line in range(lines)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_shown_text_makes_a_program_store_and_fetch(program, clicks, tmp_path):
    store_and_fetch(clicks.pairs[ANNA.name], program, tmp_path)


def test_a_key_opens_no_other_customers_bucket(clicks):
    anna, bert = clicks.pairs[ANNA.name], clicks.pairs[BERT.name]
    stranger = program_of(anna)
    for call in (
        lambda: stranger.put_object(Bucket=bert.bucket, Key="note.txt", Body=b"x"),
        lambda: stranger.list_objects_v2(Bucket=bert.bucket),
        lambda: stranger.get_object(Bucket=bert.bucket, Key="file.txt"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_secret_is_kept_nowhere_but_sealed(clicks):
    secrets = [pair.secret.encode() for pair in clicks.pairs.values()]
    for path in sorted(clicks.portal.folder.rglob("*")):
        if path.is_file() and "storage" not in path.relative_to(clicks.portal.folder).parts[:1]:
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), f"a secret stands in {path.name}"


def test_a_second_tab_gets_the_fresh_figures_and_keeps_its_own(clicks):
    hand, context = clicks.partner, clicks.partner.visitor.context
    address = f"/allocations/{clicks.who.contract}"
    other = context.new_page()
    other.goto(clicks.portal.url + address)
    hand.visitor.open(address)
    hand.write(capacity.row(hand, ANNA).get_by_label("Amount for"), "2.5")
    hand.press(hand.page.get_by_role("button", name="Check changes").last)
    hand.press(button(hand, "Save these changes"))
    expect(hand.page.get_by_role("main").get_by_text("Saved.")).to_be_visible()

    theirs = other.locator("[data-row]").filter(has_text=BERT.name)
    theirs.get_by_label("Amount for").fill("6.5")
    other.get_by_role("button", name="Check changes").last.click()
    expect(other.locator(".error-summary")).to_be_visible()
    expect(theirs.get_by_label("Amount for")).to_have_value("6.5")
    fresh = other.locator("[data-row]").filter(has_text=ANNA.name).get_by_label("Amount for")
    expect(fresh).to_have_value("2.5")
    other.get_by_role("button", name="Check changes").last.click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Check the changes")
    other.get_by_role("button", name="Save these changes").click()
    expect(other.get_by_role("main").get_by_text("Saved.")).to_be_visible()
    other.close()


def test_a_key_is_never_shown_again(clicks):
    hand, pair = clicks.partner, clicks.pairs[ANNA.name]
    hand.visitor.open(f"/sub-accounts/{pair.number}")
    expect(hand.page.locator("#keys")).to_contain_text("The secret cannot be shown again.")
    expect(hand.page.locator("#keys")).to_contain_text("The provider keeps an encrypted copy")
    hand.page.go_back()
    hand.page.go_forward()
    hand.page.reload()
    assert pair.secret not in hand.page.content()
    assert button(hand, "Show the key").count() == 0


def test_writing_past_a_hard_quota_is_refused_and_said(clicks):
    hand, pair = clicks.partner, clicks.pairs[CARL.name]
    customer = program_of(pair)
    stored = fill(customer, pair)
    assert stored * PIECE_BYTES <= CARL.allocated_bytes + REFUSED_SECONDS * 10**9
    hand.visitor.open(f"/sub-accounts/{pair.number}")
    expect(hand.page.locator("#capacity")).to_contain_text("Writing stops within about 3 seconds")
    expect(hand.page.locator("#state")).to_contain_text("Full, uploads refused")
    customer.get_object(Bucket=pair.bucket, Key="piece-0")["Body"].read(1)
    for number in range(stored):
        customer.delete_object(Bucket=pair.bucket, Key=f"piece-{number}")
    wait_until(lambda: may_store(customer, pair, b"x"), "writing after room was made")


def fill(customer, pair: Pair) -> int:
    """Stores pieces until the storage server refuses one; returns how many it took."""
    over_since, body = 0.0, bytes(PIECE_BYTES)
    for number in range(MOST_PIECES):
        if not may_store(customer, pair, body, f"piece-{number}"):
            return number
        if (number + 1) * PIECE_BYTES > CARL.allocated_bytes:
            over_since = over_since or time.monotonic()
            wait_until(lambda: not may_store(customer, pair, b"x"), "a refusal", REFUSED_SECONDS)
            return number + 1
    raise AssertionError("more was stored than the quota allows")


def may_store(customer, pair: Pair, body: bytes, name: str = "note.txt") -> bool:
    try:
        customer.put_object(Bucket=pair.bucket, Key=name, Body=body)
    except ClientError as refused:
        if refused.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return False
    return True


def program_of(pair: Pair):
    return boto3.session.Session().client(
        "s3",
        endpoint_url=pair.endpoint,
        region_name=pair.region,
        aws_access_key_id=pair.key_id,
        aws_secret_access_key=pair.secret,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.mark.parametrize("way", WAYS)
def test_after_the_log_out_the_back_button_shows_the_log_in(way, walked):
    walk = walked(way)
    hand = walk.partner
    hand.visitor.open("/home")
    capacity.log_out(hand)
    hand.page.go_back()
    expect_page(hand, "Sign in")
    assert walk.who.company not in hand.page.content()
    sign_in(hand, walk.who.email)
    expect_page(hand, "Home")
    assert walk.complaints == []
