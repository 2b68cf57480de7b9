"""Switching areas off and on again on the operators' pages (T5), and what members meet then."""

from datetime import UTC, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.feature_switch import FeatureSwitch
from services import features
from tests.notices import TEXTS, switched_off

FILLED = {
    "area": "sub_account_creation",
    "whose": "all",
    "partner": "",
    "from_at": "",
    "until_at": "",
    "text_en": TEXTS["en"],
    "text_de": TEXTS["de"],
    "once": "a-key-of-this-form",
}


@pytest.fixture
def olga(client_as, cast):
    return client_as(cast.olga)


def main_text(page) -> str:
    return " ".join(LexborHTMLParser(page.text).css_first("main").text().split())


def test_every_area_is_on_at_first_and_says_what_it_is(olga):
    text = main_text(olga.get("/admin/switches"))
    assert all(area.label in text and area.loss in text for area in features.AREAS.values())
    assert "Off" not in text and "Planned" not in text


def test_an_area_is_switched_off_for_all_and_on_again(olga, client_as, cast):
    done = olga.post("/admin/switches/new", data=FILLED)
    assert (done.status_code, done.location) == (303, "/admin/switches")
    alice = client_as(cast.alice)
    refused = alice.get("/sub-accounts/new")
    assert refused.status_code == 403 and TEXTS["en"] in refused.text and "switched off" in refused.text
    assert TEXTS["en"] in alice.get("/home").text, "the banner says it before anybody runs into it"
    row = FeatureSwitch.get()
    assert olga.post(f"/admin/switches/{row.id}/end").status_code == 303
    assert alice.get("/sub-accounts/new").status_code == 200
    assert "Switched off" not in alice.get("/home").text


@pytest.mark.parametrize("typed", ["northwind traders", "RCP-1001", "NUMBERED"])
def test_for_one_partner_the_others_go_on(olga, client_as, cast, typed):
    name = f"Whatever ({cast.northwind.id})" if typed == "NUMBERED" else typed
    assert olga.post("/admin/switches/new", data={**FILLED, "whose": "one", "partner": name}).status_code == 303
    assert FeatureSwitch.get().partner_id == cast.northwind.id
    alice, charlie = client_as(cast.alice), client_as(cast.charlie)
    assert alice.get("/sub-accounts/new").status_code == 403
    assert charlie.get("/sub-accounts/new").status_code == 200
    assert TEXTS["en"] not in charlie.get("/home").text
    assert "Northwind Traders GmbH" in main_text(olga.get("/admin/switches"))


def test_the_partner_file_can_lead_here(olga, cast):
    page = olga.get(f"/admin/switches/new?partner={cast.contoso.id}")
    assert f'value="Contoso Ltd ({cast.contoso.id})"' in page.text


@pytest.mark.parametrize("typed", ["", "nobody", "o"])
def test_a_partner_that_is_not_found_is_asked_for(olga, cast, typed):
    answer = olga.post("/admin/switches/new", data={**FILLED, "whose": "one", "partner": typed})
    assert answer.status_code == 422 and FeatureSwitch.select().count() == 0
    if typed == "o":
        assert f"Contoso Ltd ({cast.contoso.id})" in answer.text


def test_times_are_the_operators_own(olga, client_as, cast, clock):
    cast.olga.time_zone = "Europe/Berlin"
    cast.olga.save()
    data = {**FILLED, "from_at": "2026-03-02T11:00", "until_at": "2026-03-02T12:30", "announced": "y"}
    assert olga.post("/admin/switches/new", data=data).status_code == 303
    row = FeatureSwitch.get()
    assert (row.off_from_at, row.off_until_at) == (
        datetime(2026, 3, 2, 10, tzinfo=UTC),
        datetime(2026, 3, 2, 11, 30, tzinfo=UTC),
    )
    alice = client_as(cast.alice)
    assert alice.get("/sub-accounts/new").status_code == 200
    assert "Switched off from 2 Mar 2026, 11:00 to 2 Mar 2026, 12:30" in alice.get("/home").text
    assert "Planned" in main_text(olga.get("/admin/switches"))
    clock.advance(minutes=59)
    assert alice.get("/sub-accounts/new").status_code == 200
    clock.advance(minutes=1)
    assert "expected back on 2 Mar 2026, 12:30" in alice.get("/sub-accounts/new").text
    clock.advance(minutes=59)
    assert alice.get("/sub-accounts/new").status_code == 403
    clock.advance(minutes=31)
    assert alice.get("/sub-accounts/new").status_code == 200


def test_without_notice_nobody_sees_it_ahead(olga, client_as, cast):
    olga.post("/admin/switches/new", data={**FILLED, "from_at": "2026-03-02T11:00"})
    assert TEXTS["en"] not in client_as(cast.alice).get("/home").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"area": ""}, "Choose an area."),
        ({"text_de": ""}, "Write what members read in this language."),
        ({"from_at": "soon"}, "Enter a day and a time such as"),
        ({"from_at": "2026-03-02T08:00"}, "This time is over."),
        ({"until_at": "2026-03-02T08:00"}, "The end has to be after the beginning."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(olga, changes, words):
    answer = olga.post("/admin/switches/new", data={**FILLED, **changes})
    assert answer.status_code == 422 and words in answer.text and TEXTS["en"] in answer.text
    assert FeatureSwitch.select().count() == 0


@pytest.mark.parametrize("path", ["/admin/switches/new", "/admin/notices/new"])
def test_the_page_keeps_its_own_choice_of_languages(olga, path):
    switch = LexborHTMLParser(olga.get(path).text).css('form.language button[name="language"]')
    assert {node.attributes["value"] for node in switch} == {"de"}


def test_sent_twice_it_is_switched_once(olga):
    for _ in (1, 2):
        assert olga.post("/admin/switches/new", data=FILLED).status_code == 303
    assert FeatureSwitch.select().count() == 1


def test_what_is_over_is_not_ended_again(olga, cast, clock):
    row = switched_off(cast, clock.now(), "usage")
    assert olga.post(f"/admin/switches/{row.id}/end").status_code == 303
    answer = olga.post(f"/admin/switches/{row.id}/end")
    assert answer.status_code == 409 and "over already" in answer.text
    assert olga.post("/admin/switches/999/end").status_code == 404


def test_the_history_says_who_when_and_the_text(olga, cast, clock):
    assert "Nothing was switched off yet" in olga.get("/admin/switches/history").text
    row = switched_off(cast, clock.now(), "usage", cast.northwind)
    olga.post(f"/admin/switches/{row.id}/end")
    text = main_text(olga.get("/admin/switches/history"))
    assert text.count("Olga Olsen") == 2 and TEXTS["en"] in text and "Northwind Traders GmbH" in text


def test_support_looks_and_members_learn_nothing(client_as, cast, clock):
    row = switched_off(cast, clock.now(), "usage")
    oscar, alice = client_as(cast.oscar), client_as(cast.alice)
    page = oscar.get("/admin/switches")
    assert page.status_code == 200 and "/admin/switches/new" not in page.text and "Switch on" not in page.text
    assert oscar.get("/admin/switches/new").status_code == 403
    assert oscar.post(f"/admin/switches/{row.id}/end").status_code == 403
    assert [alice.get(f"/admin/switches{end}").status_code for end in ("", "/new", "/history")] == [404] * 3


def test_a_form_in_hand_is_kept_while_it_is_off(client_as, cast, clock):
    alice = client_as(cast.alice)
    switched_off(cast, clock.now(), "sub_account_creation")
    typed = {"customer_name": "Müller <GmbH>", "once": "a-key", "password": "not kept"}
    page = alice.post("/sub-accounts/new", data=typed)
    assert page.status_code == 403 and "What you entered is kept on this page" in page.text
    fields = LexborHTMLParser(page.text).css('main form[action="/sub-accounts/new"] input[type="hidden"]')
    kept = {node.attributes["name"]: node.attributes.get("value") for node in fields}
    assert kept["customer_name"] == "Müller <GmbH>" and kept["once"] == "a-key" and "password" not in kept


def test_buttons_and_menu_offer_nothing_that_is_off(client_as, cast, clock):
    alice = client_as(cast.alice)
    assert 'href="/sub-accounts/new"' in alice.get("/sub-accounts").text
    switched_off(cast, clock.now(), "sub_account_creation")
    switched_off(cast, clock.now(), "usage")
    for path in ("/home", "/sub-accounts", "/allocations/RCP-1001"):
        text = alice.get(path).text
        assert 'href="/sub-accounts/new"' not in text and 'href="/usage"' not in text, path


def test_sign_up_that_is_off_says_so_to_strangers(client, cast, clock):
    switched_off(cast, clock.now(), "sign_up")
    page = client.get("/sign-up", headers={"Accept-Language": "de"})
    assert page.status_code == 403 and TEXTS["de"] in page.text


def test_the_sentence_comes_in_the_members_language(client_as, cast, clock):
    cast.alice.locale = "de"
    cast.alice.save()
    switched_off(cast, clock.now(), "usage")
    assert TEXTS["de"] in client_as(cast.alice).get("/usage").text
