"""Showing the first key: once, as the answer of a POST, and nowhere else."""

import re

import pytest

from models.sub_account import AccessKey
from tests.accounts import SECRET, opened


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def account(cast, settings, clock):
    return opened(cast, settings, clock.now())


@pytest.fixture
def key_url(account) -> str:
    return f"/sub-accounts/{account.number}/keys/{AccessKey.get().id}"


def test_the_key_is_shown_by_a_button_and_the_page_itself_never_has_the_secret(alice, account, key_url):
    page = alice.get(f"/sub-accounts/{account.number}")
    assert SECRET not in page.text and "Show the key" in page.text
    assert re.search(rf'<form[^>]+method="post"[^>]+action="{key_url}/reveal"', page.text)
    shown = alice.post(f"{key_url}/reveal")
    assert shown.status_code == 200 and SECRET in shown.text and f"PP{account.number}" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    again = alice.get(f"/sub-accounts/{account.number}")
    assert SECRET not in again.text and "Show it again" in again.text


def test_htmx_gets_the_card_alone_and_the_focus_goes_to_it(alice, key_url):
    shown = alice.post(f"{key_url}/reveal", htmx=True)
    assert shown.text.lstrip().startswith('<section id="keys"') and SECRET in shown.text
    assert "keys" in shown.headers["HX-Trigger"] and SECRET not in str(shown.headers)


def test_every_place_of_the_secret_is_marked_to_go_with_the_page(alice, account, key_url):
    """The pair, and the three ready texts; each stands inside an element that is removed when the page is left."""
    text = alice.post(f"{key_url}/reveal", htmx=True).text
    assert text.count(SECRET) == text.count("data-secret") == 4
    for program in ("AWS CLI", "rclone", "boto3"):
        assert f"Set up {program}" in text or program in text


def test_ready_texts_stay_with_a_placeholder(alice, account, key_url):
    alice.post(f"{key_url}/reveal")
    text = alice.get(f"/sub-accounts/{account.number}").text
    assert text.count("YOUR-SECRET-KEY") == 3 and "data-secret" not in text
    assert "aws configure set" in text and "force_path_style = true" in text and "import boto3" in text


def test_a_get_shows_nothing(alice, key_url):
    assert alice.get(f"{key_url}/reveal").status_code == 405


def test_the_same_log_in_may_repeat_for_ten_minutes_and_no_longer(alice, key_url, clock):
    alice.post(f"{key_url}/reveal")
    clock.advance(minutes=9)
    assert SECRET in alice.post(f"{key_url}/reveal").text
    clock.advance(minutes=2)
    late = alice.post(f"{key_url}/reveal", htmx=True)
    assert late.status_code == 409 and SECRET not in late.text and "cannot be shown again" in late.text


def test_another_log_in_of_the_same_person_is_refused(alice, client_as, cast, key_url):
    alice.post(f"{key_url}/reveal")
    for other in (client_as(cast.alice), client_as(cast.bob)):
        answer = other.post(f"{key_url}/reveal")
        assert answer.status_code == 303 and SECRET not in other.get(answer.location).text


def test_once_stored_nobody_sees_it_again(alice, account, key_url):
    alice.post(f"{key_url}/reveal")
    stored = alice.post(f"{key_url}/stored", htmx=True)
    assert stored.status_code == 200 and SECRET not in stored.text and "data-secret" not in stored.text
    refused = alice.post(f"{key_url}/reveal", htmx=True)
    assert refused.status_code == 409 and SECRET not in refused.text
    text = alice.get(f"/sub-accounts/{account.number}").text
    assert "Show" not in re.search(r'<section id="keys".*?</section>', text, re.DOTALL)[0].replace("Secret shown", "")


def test_without_htmx_storing_leads_back_to_the_page(alice, account, key_url):
    alice.post(f"{key_url}/reveal")
    answer = alice.post(f"{key_url}/stored")
    assert answer.status_code == 303 and "will not be shown again" in alice.get(answer.location).text


def test_storing_before_showing_is_refused(alice, key_url):
    assert alice.post(f"{key_url}/stored", htmx=True).status_code == 409


def test_a_key_that_is_still_made_is_not_shown(alice, account, key_url):
    AccessKey.update(phase="pending").execute()
    answer = alice.post(f"{key_url}/reveal", htmx=True)
    assert answer.status_code == 409 and "still being made" in answer.text


def test_the_provider_s_copy_is_named_and_its_replacement_recommended(alice, account, key_url):
    words = "The provider keeps an encrypted copy of this first key; replacing it is recommended."
    assert words in alice.get(f"/sub-accounts/{account.number}").text
    assert words in alice.post(f"{key_url}/reveal").text


def test_the_secret_is_in_no_log(alice, key_url, caplog):
    caplog.set_level("DEBUG")
    alice.post(f"{key_url}/reveal")
    assert SECRET not in caplog.text


def test_a_key_of_another_sub_account_is_not_reached_through_one_s_own(client_as, cast, settings, clock, key_url):
    own = opened(cast, settings, clock.now(), "Charlie's", who=cast.charlie)
    key_id = key_url.rsplit("/", 1)[1]
    answer = client_as(cast.charlie).post(f"/sub-accounts/{own.number}/keys/{key_id}/reveal")
    assert answer.status_code == 404 and AccessKey.get_by_id(int(key_id)).revealed_at is None
