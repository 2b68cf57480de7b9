"""The customer's side of a hand-over: no log-in, a button, the pair once, and why there is nothing more."""

import re

import pytest

from models.sub_account import HandOver
from services import feature_switching
from tests.blueprints.test_key_rotation import Desk
from tests.notices import TEXTS, switched_off


@pytest.fixture
def desk(cast, settings, clock, client_as) -> Desk:
    return Desk(cast, settings, clock, client_as(cast.alice))


@pytest.fixture
def new(desk):
    desk.press(desk.first, "replace")
    desk.work()
    return desk.first.select().where(desk.first._meta.model.origin == "rotation").get()


@pytest.fixture
def link(desk, new) -> str:
    """The path of the link that Alice is shown."""
    answer = desk.browser.post(desk.url(new, "hand-over"), htmx=True)
    assert answer.status_code == 200 and answer.text.lstrip().startswith('<section id="keys"')
    return re.search(r"data-copy-text>http://[^/]+(/hand-over/[A-Za-z0-9_-]{43})<", answer.text)[1]


def secret_of(page) -> str:
    return re.search(r"data-secret><code[^>]*>([^<]+)<", page.text)[1]


def test_the_page_before_the_button_says_from_whom_and_shows_no_secret(link, client, new):
    page = client.get(link)
    assert page.status_code == 200 and "Northwind" in page.text and "Müller GmbH" in page.text
    assert new.access_key_id not in page.text and "data-secret" not in page.text
    assert re.search(rf'<form[^>]+method="post"[^>]+action="{link}"', page.text)
    assert HandOver.get().used_at is None


def test_the_button_shows_the_pair_with_its_endpoint_and_texts_once(link, client, desk, new):
    shown = client.post(link)
    secret = secret_of(shown)
    assert shown.status_code == 200 and new.access_key_id in shown.text and desk.row.main_bucket in shown.text
    assert "aws configure set" in shown.text and "import boto3" in shown.text
    assert shown.text.count(secret) == shown.text.count("data-secret") == 4
    again = client.post(link)
    assert again.status_code == 410 and "already used" in again.text and secret not in again.text
    assert client.get(link).status_code == 410 and "somebody else has the key" in again.text


def test_the_secret_stays_in_that_answer(link, client, desk, caplog):
    caplog.set_level("DEBUG")
    shown = client.post(link)
    secret = secret_of(shown)
    assert shown.headers["Cache-Control"] == "no-store" and shown.headers["Referrer-Policy"] == "same-origin"
    assert secret not in str(shown.headers) and secret not in caplog.text and secret not in desk.text()
    with client.own_session() as cookie:
        assert secret not in str(dict(cookie))


def test_a_link_whose_time_is_up_says_so(link, client, clock):
    clock.advance(hours=48)
    for ask in (client.get, client.post):
        answer = ask(link)
        assert answer.status_code == 410 and "The time of this link is up." in answer.text


def test_an_open_link_can_be_withdrawn_also_when_the_secret_can_no_longer_be_shown(link, client, desk, new, clock):
    clock.advance(minutes=30)
    assert desk.offers(new) == {"withdraw", "off"}
    desk.press(new, "withdraw")
    text = desk.text()
    assert "The link does not work any more." in text and "is open until" not in text
    gone = client.post(link)
    assert gone.status_code == 410 and "withdrawn" in gone.text and "somebody else" not in gone.text


def test_a_withdrawn_link_says_so(link, client, desk, new):
    desk.browser.post(desk.url(new, "hand-over"))
    assert "was withdrawn" in client.get(link).text


def test_an_unknown_link_says_what_may_have_happened(client, cast):
    answer = client.get("/hand-over/" + "x" * 43)
    assert answer.status_code == 404 and "copy it whole" in answer.text


def test_too_many_guesses_wait(client, cast):
    for _guess in range(20):
        assert client.post("/hand-over/" + "x" * 43).status_code == 404
    refused = client.post("/hand-over/" + "x" * 43)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0


def test_the_partner_s_page_says_that_a_link_is_open_and_then_that_it_was_used(link, client, desk, new):
    assert "A link to hand this key over is open until" in desk.text()
    client.post(link)
    text = desk.text()
    assert "A link to hand this key over is open" not in text and "by a link" in text
    assert desk.offers(new) == {"off"} and "Key handed over by a link" in desk.browser.get("/home").text


def test_without_htmx_the_link_is_a_page_of_its_own(desk, new):
    page = desk.browser.post(desk.url(new, "hand-over"))
    assert page.status_code == 200 and "/hand-over/" in page.text and "Back to the keys" in page.text
    assert "/hand-over/" not in desk.text()


def test_a_link_that_is_asked_for_too_late_is_refused_in_words(desk, new, clock):
    clock.advance(minutes=10)
    late = desk.browser.post(desk.url(new, "hand-over"), htmx=True)
    assert late.status_code == 409 and "can no longer be handed over" in late.text


def test_a_form_without_its_token_shows_nothing(link, client):
    assert client.post(link, csrf=False).status_code == 400 and HandOver.get().used_at is None


def test_while_it_is_off_for_the_partner_the_key_is_kept_for_later(link, client, cast, clock, acting):
    row = switched_off(cast, clock.now(), "key_hand_over", cast.northwind)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 403 and TEXTS["en"] in answer.text
    feature_switching.switch_on(acting(cast.olga), row.id)
    switched_off(cast, clock.now(), "key_hand_over", cast.contoso)
    assert client.get(link).status_code == 200 and secret_of(client.post(link))
