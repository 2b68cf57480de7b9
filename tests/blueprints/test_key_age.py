"""Keys that should be replaced: named on the home page until they are, and found in the list."""

import pytest

from models.sub_account import AccessKey
from tests.accounts import opened


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def shown(cast, settings, clock):
    """A sub-account whose first key is in use."""
    account = opened(cast, settings, clock.now(), "In use")
    AccessKey.update(revealed_at=clock.now()).where(AccessKey.sub_account == account).execute()
    return account


def test_the_first_key_is_recommended_for_replacement_until_it_is_replaced(alice, shown):
    words = "1 first key is still in use. Replacing it is recommended"
    home = alice.get("/home").text
    assert words in home and 'href="/sub-accounts?key=first"' in home
    listed = alice.get("/sub-accounts?key=first").text
    assert "In use, better replaced" in listed and shown.name in listed
    assert "replacing it is recommended" in alice.get(f"/sub-accounts/{shown.number}").text
    AccessKey.update(wanted="deleted", phase="deleted", retained_ct=None).execute()
    assert words not in alice.get("/home").text and "better replaced" not in alice.get("/sub-accounts").text
    assert "No sub-account matches" in alice.get("/sub-accounts?key=first").text


def test_keys_are_named_when_they_are_older_than_a_year(alice, cast, shown, clock):
    words = "1 sub-account has a key that is older than a year"
    clock.advance(days=365)
    alice.sign_in(cast.alice)  # after so long the log-in has lapsed
    assert words not in alice.get("/home").text
    clock.advance(seconds=1)
    home = alice.get("/home").text
    assert words in home and 'href="/sub-accounts?key=old"' in home
    assert shown.name in alice.get("/sub-accounts?key=old").text
    AccessKey.update(wanted="inactive").execute()
    assert words not in alice.get("/home").text
    assert "No sub-account matches" in alice.get("/sub-accounts?key=old").text


def test_how_old_is_a_setting(make_app, cast, shown, clock):
    browser = make_app(key_age_days=30).test_client()
    clock.advance(days=31)
    browser.sign_in(cast.alice)
    assert "1 sub-account has a key that is older than 30 days" in browser.get("/home").text


def test_another_partner_s_keys_are_not_counted(client_as, cast, shown, clock):
    assert "first key is still in use" not in client_as(cast.charlie).get("/home").text


def test_a_viewer_is_told_nothing_of_keys(client_as, cast, shown):
    vera = client_as(cast.vera)
    assert "first key" not in vera.get("/home").text
    for key in ("first", "old"):
        page = vera.get(f"/sub-accounts?key={key}").text
        assert shown.name in page and "First key still in use" not in page


def test_a_key_that_waits_to_be_shown_is_not_counted_twice(alice, cast, settings, clock):
    opened(cast, settings, clock.now())
    home = alice.get("/home").text
    assert "1 first key waits to be handed over" in home and "still in use" not in home
