"""The public archive: announced versions, what changed between any two, binding language, reasons (T5, T22)."""

from datetime import timedelta

import pytest

from models.terms import TermsVersion
from services import change_log, legal_text
from tests.cast import act_of


def publish(label: str, body: str, at, *, language: str = "en", **more) -> TermsVersion:
    values = {"state": "published", "published_at": at, "effective_at": at, "told_at": at, "title": "Terms"} | more
    return TermsVersion.create(
        kind="portal_terms", label=label, language=language, body=body, sha256=legal_text.digest(body), **values
    )


@pytest.fixture
def versions(cast, clock):
    """1.0 (shipped, in both languages), 2.0 in force in English, 3.0 announced in both."""
    now = clock.now()
    publish("2.0", "## 1. A\n\nYou may use it.\n\nSame here.\n", now - timedelta(days=1), supersedes="1.0")
    soon = {
        "effective_at": now + timedelta(days=40),
        "supersedes": "2.0",
        "change_summary": "Sum <up>",
        "reason": "Law",
    }
    publish(
        "3.0", "## 1. A\n\nYou may not use it.\n\nSame here.\n", now, grace_until_at=now + timedelta(days=60), **soon
    )
    publish("3.0", "## 1. A\n\nSie dürfen nicht.\n", now, language="de", **soon)


def test_an_announced_version_can_be_read_with_its_reason_and_days(client, versions):
    page = client.get("/terms/portal_terms/3.0/en").text
    for words in ("not in force yet", "Sum &lt;up&gt;", "Law", "11 Apr 2026", "until 1 May 2026, ", "by a fresh click"):
        assert words in page, words
    assert "Binding language" in page and "English" in page
    assert "/terms/portal_terms/3.0/changes" in page


def test_the_index_names_last_update_summary_and_difference(client, versions):
    page = client.get("/terms").text
    assert "Last update: 1 Mar 2026" in page and "announced" in page and "Sum &lt;up&gt;" in page
    assert "/terms/portal_terms/2.0/changes" in page and "/terms/portal_terms/1.0/changes" not in page


def test_the_difference_to_the_version_before_is_shown_by_words(client, versions):
    page = client.get("/terms/portal_terms/3.0/changes").text
    assert "<ins>" in page and ">added: </span>not<" in page
    assert "Words added: 1. Words removed: 0." in page and "1 paragraph is the same" in page


def test_any_two_versions_can_be_compared_in_a_language_that_both_have(client, versions):
    page = client.get("/terms/portal_terms/3.0/changes?from=1.0&language=de").text
    assert "From version 1.0 to version 3.0" in page and 'difference" lang="de"' in page
    page = client.get("/terms/portal_terms/2.0/changes?from=1.0&language=de").text
    assert 'difference" lang="en"' in page


def test_the_first_version_has_nothing_to_be_compared_with(client, cast):
    assert "This is the first version" in client.get("/terms/portal_terms/1.0/changes").text


@pytest.mark.parametrize(
    "address",
    [
        "portal_terms/9.9/changes",
        "gossip/1.0/changes",
        "portal_terms/3.0/changes?from=9",
    ],
)
def test_what_was_never_published_has_no_difference(client, versions, address):
    publish("9.9", "Secret draft.\n", None, state="draft", effective_at=None)
    assert client.get(f"/terms/{address}", check=False).status_code == 404


def test_a_draft_is_nowhere_in_public(client, versions):
    publish("9.9", "Secret draft.\n", None, state="draft", effective_at=None)
    for address in ("/terms", "/terms/portal_terms/3.0/changes", "/changes"):
        assert "9.9" not in client.get(address).text


def test_the_day_is_that_of_the_provider_not_of_the_clock_in_london(client, cast, clock, app):
    at = clock.now().replace(hour=23)  # past midnight in Berlin
    publish("4.0", "Night.\n", clock.now(), effective_at=at)
    assert "3 Mar 2026" in client.get("/terms/portal_terms/4.0/en").text


def test_every_page_leads_to_the_change_log(client, cast):
    assert 'href="/changes"' in client.get("/").text
    assert "Nothing has been written here yet." in client.get("/changes").text


def test_what_a_release_brings_stands_there_once_in_the_readers_language(client, cast, clock, settings):
    act = act_of(None, clock.now())
    assert len(change_log.publish_shipped(act, settings)) == len(change_log.SHIPPED)
    assert change_log.publish_shipped(act, settings) == []
    page = client.get("/changes", headers={"Accept-Language": "de"}).text
    for code in change_log.SHIPPED:
        assert change_log.shipped(code)["de"] in page


@pytest.mark.parametrize("code", change_log.SHIPPED)
def test_every_shipped_entry_says_something_in_every_language(code):
    texts = change_log.shipped(code)
    assert set(texts) == set(change_log.LANGUAGES) and len(set(texts.values())) == len(texts)
    assert all(20 < len(text) <= change_log.LONGEST for text in texts.values())
