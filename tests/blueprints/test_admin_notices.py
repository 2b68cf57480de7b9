"""Notices on the operators' pages (T6): written, looked at, published, corrected, ended; who has and who has not."""

import csv
import io

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.notice import Notice, NoticeAcknowledgement
from services import notice_audience, notice_desk, notices
from tests.cast import act_of
from tests.notices import BODIES, TITLES, draft, published

FILLED = {
    "kind": "regulation",
    "title_en": TITLES["en"],
    "title_de": TITLES["de"],
    "body_en": BODIES["en"],
    "body_de": BODIES["de"],
    "whose": "all",
    "asks_again": "y",
    "once": "a-key-of-this-form",
}


@pytest.fixture
def olga(client_as, cast):
    return client_as(cast.olga)


def main_text(page) -> str:
    return " ".join(LexborHTMLParser(page.text).css_first("main").text().split())


def seen_of(page) -> str:
    return LexborHTMLParser(page.text).css_first('main input[name="seen"]').attributes["value"]


def acknowledge(cast, clock, notice):
    act = act_of(cast.bob, clock.now())
    return notices.acknowledge(act, cast.bob, notice.id, "en", notices.digest(notice, "en"))


def test_a_notice_is_written_looked_at_and_published(olga, client_as, cast):
    assert "No notices here" in olga.get("/admin/notices").text
    data = {**FILLED, "asks": "y", "block_allocation": "y", "role_admin": "y", "pinned": "y"}
    made = olga.post("/admin/notices/new", data=data)
    notice = Notice.get()
    assert made.location == f"/admin/notices/{notice.id}"
    look = olga.get(made.location)
    text = main_text(look)
    for part in ("Draft", "It reaches 2 members", "Allocation", "Administrators", "asked of each member"):
        assert part in text
    assert "<strong>two</strong>" in look.text and "<strong>zwei</strong>" in look.text
    assert client_as(cast.alice).get("/allocations/RCP-1001").status_code == 200
    assert olga.post(f"{made.location}/publish", data={"seen": seen_of(look)}).status_code == 303
    assert client_as(cast.alice).get("/allocations/RCP-1001").status_code == 303
    assert client_as(cast.bob).get("/allocations/RCP-1001").status_code == 200
    assert "0 acknowledged it, 2 have not" in main_text(olga.get(made.location))


def test_a_draft_is_changed_and_thrown_away(olga, cast, acting):
    notice = notice_desk.create(acting(cast.olga), draft(partner_ids=(cast.contoso.id,)), "one")
    form = olga.get(f"/admin/notices/{notice.id}/edit")
    assert f"Contoso Ltd ({cast.contoso.id})" in form.text
    data = {**FILLED, "title_en": "Another title", "seen": seen_of(form), "whose": "chosen", "partners": "RCP-1001\n"}
    assert olga.post(f"/admin/notices/{notice.id}/edit", data=data).status_code == 303
    page = olga.get(f"/admin/notices/{notice.id}")
    assert "Another title" in page.text and "Northwind Traders GmbH" in main_text(page)
    assert olga.post(f"/admin/notices/{notice.id}/remove", data={"seen": seen_of(page)}).status_code == 303
    assert Notice.select().count() == 0


def test_a_colleagues_change_is_said_and_nothing_lost(olga, cast, acting):
    notice = notice_desk.create(acting(cast.olga), draft(), "one")
    form = olga.get(f"/admin/notices/{notice.id}/edit")
    notice_desk.change(acting(cast.olga), notice.id, draft(kind="information"), seen_of(form))
    answer = olga.post(f"/admin/notices/{notice.id}/edit", data={**FILLED, "title_en": "Mine", "seen": seen_of(form)})
    assert answer.status_code == 422 and "A colleague changed this draft" in answer.text and "Mine" in answer.text
    refused = olga.post(f"/admin/notices/{notice.id}/publish", data={"seen": seen_of(form)})
    assert refused.status_code == 409 and Notice.get().state == "draft"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title_en": "", "title_de": ""}, "Enter a title."),
        ({"block_usage": "y"}, "Only a notice that asks for an acknowledgement can close areas."),
        ({"whose": "chosen", "partners": ""}, "Name at least one partner."),
        ({"whose": "chosen", "partners": "nobody"}, "No partner fits"),
        ({"starts_at": "2026-03-05T10:00", "ends_at": "2026-03-04T10:00"}, "The end has to be after the beginning."),
        ({"ends_at": "later"}, "Enter a day and a time such as"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(olga, cast, changes, words):
    answer = olga.post("/admin/notices/new", data={**FILLED, **changes})
    assert answer.status_code == 422 and words in answer.text and "two" in answer.text
    assert Notice.select().count() == 0


def test_a_text_missing_in_one_language_is_not_published(olga, cast):
    olga.post("/admin/notices/new", data={**FILLED, "body_de": ""})
    notice = Notice.get()
    page = olga.get(f"/admin/notices/{notice.id}")
    answer = olga.post(f"/admin/notices/{notice.id}/publish", data={"seen": seen_of(page)})
    assert answer.status_code == 409 and "The text is missing in one of the languages." in answer.text


def test_sent_twice_there_is_one_draft(olga):
    for _ in (1, 2):
        assert olga.post("/admin/notices/new", data=FILLED).status_code == 303
    assert Notice.select().count() == 1


def test_a_published_notice_is_corrected_by_a_new_edition(olga, client_as, cast, clock):
    old = published(cast, clock.now(), asks=True)
    acknowledge(cast, clock, old)
    refused = olga.get(f"/admin/notices/{old.id}/edit")
    assert refused.location == f"/admin/notices/{old.id}"
    clock.advance(minutes=1)
    led = olga.post(f"/admin/notices/{old.id}/correct")
    form = olga.get(led.location)
    assert "Ask those again" in form.text
    data = {**FILLED, "asks": "y", "title_en": "Corrected", "asks_again": "", "seen": seen_of(form)}
    olga.post(led.location, data={name: value for name, value in data.items() if value})
    new = Notice.get(Notice.corrects == old)
    page = olga.get(f"/admin/notices/{new.id}")
    assert "count for this one" in main_text(page)
    olga.post(f"/admin/notices/{new.id}/publish", data={"seen": seen_of(page)})
    assert "Corrected" in client_as(cast.alice).get("/home").text
    assert "Corrected" not in client_as(cast.bob).get("/home").text, "what Bob acknowledged counts"
    assert olga.post(f"/admin/notices/{old.id}/correct").status_code == 409


def test_it_is_ended_early(olga, client_as, cast, clock):
    notice = published(cast, clock.now(), pinned=True)
    clock.advance(minutes=1)
    assert olga.post(f"/admin/notices/{notice.id}/end").status_code == 303
    assert TITLES["en"] not in client_as(cast.alice).get("/home").text
    assert olga.post(f"/admin/notices/{notice.id}/end").status_code == 409
    assert "Ended by" in main_text(olga.get(f"/admin/notices/{notice.id}"))


def test_the_list_is_filtered_as_page_and_as_piece(olga, cast, clock, acting):
    published(cast, clock.now())
    notice_desk.create(acting(cast.olga), draft(titles={"en": "A draft", "de": ""}), "one-more")
    for htmx in (False, True):
        everything, drafts = (olga.get(f"/admin/notices{query}", htmx=htmx).text for query in ("", "?state=draft"))
        assert TITLES["en"] in everything and "A draft" in everything
        assert "A draft" in drafts and TITLES["en"] not in drafts


def test_who_has_and_who_has_not_in_pages_and_as_a_file(olga, cast, clock, monkeypatch):
    monkeypatch.setattr(notice_audience, "PAGE_SIZE", 2)
    notice = published(cast, clock.now(), asks=True)
    acknowledge(cast, clock, notice)
    path = f"/admin/notices/{notice.id}/acknowledgements"
    first = olga.get(path)
    assert "1 acknowledged it, 3 have not" in main_text(first)
    assert "Alice Adler" in first.text and "Charlie Chase" not in first.text
    following = LexborHTMLParser(first.text).css_first('a[rel="next"]').attributes["href"]
    assert "Charlie Chase" in olga.get(following).text
    done = olga.get(f"{path}?state=done", htmx=True)
    assert "Bob Brandt" in done.text and "Alice" not in done.text
    file = olga.get(f"{path}.csv")
    rows = list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"), newline="")))
    assert (rows[0]["member"], rows[0]["state"], len(rows)) == ("Bob Brandt", "acknowledged", 4)
    assert rows[0]["sha256"] == NoticeAcknowledgement.get().sha256


def test_a_formula_in_a_name_stays_text_in_the_file(olga, cast, clock):
    cast.alice.name = "=HYPERLINK(1)"
    cast.alice.save()
    notice = published(cast, clock.now(), asks=True)
    assert "'=HYPERLINK(1)" in olga.get(f"/admin/notices/{notice.id}/acknowledgements.csv").text


def test_support_looks_and_members_learn_nothing(client_as, cast, clock):
    notice = published(cast, clock.now(), asks=True)
    oscar, alice = client_as(cast.oscar), client_as(cast.alice)
    page = oscar.get(f"/admin/notices/{notice.id}")
    assert page.status_code == 200 and "End it now" not in page.text
    for path in ("new", f"{notice.id}/edit"):
        assert oscar.get(f"/admin/notices/{path}").status_code == 403
    for verb in ("publish", "end", "correct", "remove"):
        assert oscar.post(f"/admin/notices/{notice.id}/{verb}").status_code == 403
        assert alice.post(f"/admin/notices/{notice.id}/{verb}").status_code == 404
    assert alice.get(f"/admin/notices/{notice.id}/acknowledgements.csv").status_code == 404


@pytest.mark.parametrize("path", ["", "/edit", "/acknowledgements", "/acknowledgements.csv"])
def test_an_unknown_notice_is_not_found(olga, path):
    assert olga.get(f"/admin/notices/999{path}").status_code == 404
