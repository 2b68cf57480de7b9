"""Notices as members meet them (T6): list, banner, page, acknowledgement, and what waits for it."""

from datetime import timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.notice import Notice, NoticeAcknowledgement
from services import notice_desk, notices
from tests.notices import BODIES, TITLES, published

DAY = timedelta(days=1)


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


@pytest.fixture
def rule(cast, clock) -> Notice:
    """A regulation that closes the allocation board until it is acknowledged."""
    return published(cast, clock.now(), asks=True, blocks=("allocation",))


def form_of(page) -> dict[str, str]:
    fields = LexborHTMLParser(page.text).css('form[action$="/acknowledge"] input[type="hidden"]')
    return {node.attributes["name"]: node.attributes.get("value") or "" for node in fields}


def banner_links(page) -> list[str]:
    return [node.attributes["href"] for node in LexborHTMLParser(page.text).css("main > .notice a")]


def test_without_notices_the_page_says_what_comes_here(alice):
    assert "No notice is in force" in alice.get("/notices").text
    assert "Notices</a>" in alice.get("/home").text


def test_what_is_unread_is_counted_in_the_own_menu(alice, cast, clock):
    notice = published(cast, clock.now())
    assert "Notices (1 unread)" in alice.get("/home").text
    assert TITLES["en"] in alice.get(f"/notices/{notice.id}").text
    text = alice.get("/notices").text
    assert "unread)" not in text and "Read" in text


def test_current_and_past_ones_are_listed(alice, cast, clock):
    published(cast, clock.now(), ends_at=clock.now() + DAY / 48, titles={"en": "Old one", "de": "Alt"})
    clock.advance(minutes=30)
    published(cast, clock.now(), titles={"en": "New one", "de": "Neu"})
    text = alice.get("/notices").text
    assert text.index("New one") < text.index("Past notices") < text.index("Old one")


def test_the_text_comes_in_the_readers_language(client_as, cast, clock):
    notice = published(cast, clock.now())
    cast.alice.locale = "de"
    cast.alice.save()
    text = client_as(cast.alice).get(f"/notices/{notice.id}").text
    assert TITLES["de"] in text and "<strong>zwei</strong>" in text


def test_markup_in_a_text_stays_text(alice, cast, clock):
    evil = {"en": "<script>alert(1)</script> [x](javascript:alert(1))", "de": "<b>x</b>"}
    notice = published(cast, clock.now(), bodies=evil, titles={"en": "<i>T</i>", "de": "T"})
    text = alice.get(f"/notices/{notice.id}").text
    assert "<script>alert" not in text and "&lt;script&gt;" in text and 'href="javascript' not in text


def test_pinned_ones_and_those_to_acknowledge_are_on_every_page(alice, cast, clock, rule):
    pinned = published(cast, clock.now(), pinned=True)
    published(cast, clock.now())
    for path in ("/home", "/sub-accounts"):
        assert banner_links(alice.get(path)) == [f"/notices/{rule.id}", f"/notices/{pinned.id}"]


def test_a_pinned_one_leaves_the_pages_of_whoever_has_read_it(alice, client_as, cast, clock, rule):
    pinned = published(cast, clock.now(), pinned=True)
    for notice in (pinned, rule):
        alice.get(f"/notices/{notice.id}")
    assert banner_links(alice.get("/home")) == [f"/notices/{rule.id}"]
    assert f"/notices/{pinned.id}" in banner_links(client_as(cast.bob).get("/home"))


def test_a_closed_area_leads_over_the_notice_to_where_one_wanted_to_go(alice, cast, rule):
    led = alice.get("/allocations/RCP-1001?sort=name")
    assert led.status_code == 303 and led.location.startswith(f"/notices/{rule.id}?next=")
    page = alice.get(led.location)
    assert "This comes first" in page.text and "Allocation" in page.text
    done = alice.post(f"/notices/{rule.id}/acknowledge", data=form_of(page))
    assert (done.status_code, done.location) == (303, "/allocations/RCP-1001?sort=name")
    assert alice.get(done.location).status_code == 200
    row = NoticeAcknowledgement.get()
    assert (row.member_id, row.sha256, row.ip) == (cast.alice.id, notices.digest(rule, "en"), "127.0.0.1")
    assert "You acknowledged this" in alice.get(f"/notices/{rule.id}").text


def test_other_areas_and_other_people_are_not_closed(alice, client_as, cast, rule):
    assert alice.get("/sub-accounts").status_code == 200
    assert alice.get("/sub-accounts/export.csv").status_code == 200
    assert client_as(cast.olga).get("/admin/partners").status_code == 200


def test_each_member_acknowledges_for_itself(alice, client_as, cast, rule):
    alice.post(f"/notices/{rule.id}/acknowledge", data=form_of(alice.get(f"/notices/{rule.id}")))
    assert client_as(cast.vera).get("/allocations/RCP-1001").location.startswith("/notices/")


def test_a_closed_form_keeps_what_was_typed(alice, rule):
    answer = alice.post("/allocations/RCP-1001", data={"seen": "1", "password": "hidden", "note": "Für Müller"})
    assert answer.status_code == 403
    kept = {
        node.attributes["name"]: node.attributes.get("value")
        for node in LexborHTMLParser(answer.text).css('main form input[type="hidden"]')
    }
    assert (kept["seen"], kept["note"]) == ("1", "Für Müller") and "password" not in kept
    assert f'href="/notices/{rule.id}"' in answer.text


def test_a_piece_says_it_where_alerts_are(alice, rule):
    for answer in (alice.get("/allocations", htmx=True), alice.post("/allocations/RCP-1001", htmx=True)):
        assert (answer.status_code, answer.headers["HX-Retarget"]) == (403, "#alert")
        assert TITLES["en"] in answer.text and f'href="/notices/{rule.id}"' in answer.text


def test_the_way_on_leads_nowhere_else(alice, rule):
    page = alice.get(f"/notices/{rule.id}?next=https://evil.example/")
    assert form_of(page)["next"] == ""
    data = {**form_of(page), "next": "//evil.example/"}
    assert alice.post(f"/notices/{rule.id}/acknowledge", data=data).location == "/notices"


def test_a_text_that_changed_meanwhile_is_shown_anew(alice, cast, clock, acting, rule):
    data = form_of(alice.get(f"/notices/{rule.id}"))
    clock.advance(minutes=1)
    new = notice_desk.correct(acting(cast.olga), rule.id)
    notice_desk.publish(acting(cast.olga), new.id, notice_desk.fingerprint(new), ("en", "de"))
    answer = alice.post(f"/notices/{rule.id}/acknowledge", data=data)
    assert answer.status_code == 409 and f'href="/notices/{new.id}"' in answer.text
    assert NoticeAcknowledgement.select().count() == 0


def test_a_double_click_records_once(alice, rule):
    data = form_of(alice.get(f"/notices/{rule.id}"))
    assert [alice.post(f"/notices/{rule.id}/acknowledge", data=data).status_code for _ in (1, 2)] == [303, 303]
    assert NoticeAcknowledgement.select().count() == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_not_for_somebody_is_not_there(client_as, cast, clock, method):
    notice = published(cast, clock.now(), partner_ids=(cast.contoso.id,), asks=True)
    planned = published(cast, clock.now(), starts_at=clock.now() + DAY)
    alice = client_as(cast.alice)
    for number in (notice.id, planned.id, 999):
        path = f"/notices/{number}" + ("/acknowledge" if method == "post" else "")
        assert getattr(alice, method)(path).status_code == 404
    assert getattr(client_as(cast.olga), method)(path).status_code == 404


def test_a_suspended_partner_still_reads_them(client_as, cast, clock):
    notice = published(cast, clock.now(), bodies=BODIES)
    cast.northwind.state = "suspended"
    cast.northwind.save()
    alice = client_as(cast.alice)
    assert alice.get("/notices").status_code == 200
    assert alice.get(f"/notices/{notice.id}").status_code == 200
