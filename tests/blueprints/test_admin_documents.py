"""The documents' desk as operators see it: who may do what, the way of a draft, two at once (T5)."""

import re
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.operator import Operator
from models.terms import PortalChange, TermsVersion
from services import document_desk

DRAFT = "/admin/documents/portal_terms/draft"


@pytest.fixture
def olga(client_as, cast):
    return client_as(cast.olga)


@pytest.fixture
def otto(client_as, clock):
    person = Operator.create(
        name="Otto Ott", email="otto@provider.example.com", email_key="otto@provider.example.com", right="manager",
        password_hash="set", created_at=clock.now(),
    )  # fmt: skip
    return client_as(person)


@pytest.fixture
def filled(olga):
    """Begins a draft and gives what a browser would post from its form, with a sentence more."""
    assert olga.post(f"{DRAFT}/begin").status_code == 303
    rows = document_desk.draft("portal_terms").rows
    values = {"label": "1.1", "effect": "click", "effective_on": "", "grace_days": "20", "revision": "0"}
    for language, row in rows.items():
        values |= {
            f"title_{language}": row.title,
            f"body_{language}": row.body + f"\nMore in {language}.\n",
            f"change_summary_{language}": f"Summary <{language}>",
            f"reason_{language}": f"Reason {language}",
        }
    return values


def seen(page: str) -> dict[str, str]:
    return {"revision": re.search(r'name="revision"[^>]*value="(\d+)"', page)[1]}


def step(client, name: str, **more):
    return client.post(f"{DRAFT}/{name}", data=seen(client.get(DRAFT).text) | more)


def test_the_whole_way_of_a_draft(olga, otto, client, filled, clock):
    assert olga.post(f"{DRAFT}/edit", data=filled).status_code == 303
    page = olga.get(DRAFT).text
    assert "<ins>" in page and "More in de." in page and "Summary &lt;en&gt;" in page
    assert "More in en." in olga.get(f"{DRAFT}/en").text
    assert step(olga, "submit").status_code == 303
    assert "somebody else has to approve it" in olga.get(DRAFT).text
    assert client.get("/terms/portal_terms/1.1/en", check=False).status_code == 404
    assert "Approve" in otto.get(DRAFT).text
    assert step(otto, "approve").status_code == 303
    assert step(otto, "publish").headers["Location"].endswith("/admin/documents")
    assert "announced" in olga.get("/admin/documents").text
    page = client.get("/terms/portal_terms/1.1/en").text
    assert "not in force yet" in page and "Summary &lt;en&gt;" in page and "Reason en" in page and "English" in page
    assert "More in en." in client.get("/terms/portal_terms/1.1/changes").text
    clock.advance(days=32)
    assert "in force" in client.get("/terms/portal_terms/1.1/en").text
    actions = {row.action for row in AuditEvent.select().where(AuditEvent.thing_kind == "terms_version")}
    assert {"terms.drafted", "terms.edited", "terms.submitted", "terms.approved", "terms.published"} <= actions


def test_the_author_cannot_approve_even_by_hand(olga, filled):
    olga.post(f"{DRAFT}/edit", data=filled)
    step(olga, "submit")
    answer = step(olga, "approve")
    assert answer.status_code == 422 and "Somebody else has to approve it." in answer.text
    assert document_desk.draft("portal_terms").step == "submitted"


def test_a_second_click_on_each_button_does_no_harm(olga, otto, filled):
    olga.post(f"{DRAFT}/edit", data=filled)
    for client, name in ((olga, "submit"), (otto, "approve"), (otto, "publish")):
        data = seen(client.get(DRAFT).text)
        assert [client.post(f"{DRAFT}/{name}", data=data).status_code for _click in range(2)] == [303, 303]
    assert TermsVersion.select().where(TermsVersion.label == "1.1", TermsVersion.state == "published").count() == 2


def test_beginning_twice_opens_the_one_draft(olga, filled):
    answer = olga.post(f"{DRAFT}/begin")
    assert answer.headers["Location"].endswith("/draft/edit")
    assert TermsVersion.select().where(TermsVersion.state == "draft").count() == 2


def test_who_saves_later_keeps_the_own_words_and_is_told(olga, otto, filled):
    assert otto.post(f"{DRAFT}/edit", data=filled | {"title_en": "By Otto"}).status_code == 303
    late = olga.post(f"{DRAFT}/edit", data=filled | {"title_en": "By Olga"})
    assert late.status_code == 409
    assert "Somebody else changed this draft" in late.text and "By Olga" in late.text
    assert document_desk.draft("portal_terms").rows["en"].title == "By Otto"
    again = olga.post(f"{DRAFT}/edit", data=filled | {"title_en": "By Olga"} | seen(late.text))
    assert again.status_code == 303
    assert document_desk.draft("portal_terms").rows["en"].title == "By Olga"


def test_a_draft_that_was_discarded_meanwhile_is_told_of(olga, otto, filled):
    data = seen(olga.get(DRAFT).text)
    assert step(otto, "discard").status_code == 303
    assert olga.post(f"{DRAFT}/submit", data=data).status_code == 303
    assert "Somebody else changed this draft" in olga.get("/admin/documents").text
    assert olga.get(DRAFT, check=False).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("label", "1.0", "There is a version with this number already."),
        ("label", "", "Enter a number, such as 1.1."),
        ("body_de", " ", "This cannot be empty."),
        ("body_de", "", "Enter the text."),
        ("grace_days", "1000", "Enter a number from 0 to 366."),
        ("grace_days", "many", "Enter a whole number."),
        ("effective_on", "soon", "Enter a date such as 2026-03-31."),
    ],
)
def test_a_slip_is_named_and_nothing_is_lost(olga, filled, field, value, words):
    answer = olga.post(f"{DRAFT}/edit", data=filled | {field: value})
    assert answer.status_code == 422
    assert words in answer.text and "More in en." in answer.text


def test_a_day_too_near_is_refused_with_the_first_that_is_possible(olga, filled, clock):
    near = (clock.now() + timedelta(days=3)).date().isoformat()
    olga.post(f"{DRAFT}/edit", data=filled | {"effective_on": near})
    assert "The day is too near" in olga.get(DRAFT).text
    answer = step(olga, "submit")
    assert answer.status_code == 422 and "choose 2 Apr 2026 or later" in answer.text


def test_it_goes_back_with_a_note_that_the_author_sees(olga, otto, filled):
    olga.post(f"{DRAFT}/edit", data=filled)
    step(olga, "submit")
    assert step(otto, "send-back").status_code == 422
    assert step(otto, "send-back", note="Clause 4 <b>please</b>").status_code == 303
    assert "Clause 4 &lt;b&gt;please&lt;/b&gt;" in olga.get(DRAFT).text


def test_support_looks_and_changes_nothing(client_as, cast, filled):
    oscar = client_as(cast.oscar)
    page = oscar.get(DRAFT).text
    assert "Edit the draft" not in page and "Discard" not in page
    assert "Write a new version" not in oscar.get("/admin/documents").text
    for name in ("edit", "submit", "approve", "send-back", "publish", "discard", "begin"):
        assert oscar.post(f"{DRAFT}/{name}", data={"revision": "0"}, check=False).status_code == 403, name


def test_partners_and_strangers_have_no_desk(client_as, cast, client, filled):
    for page in ("/admin/documents", DRAFT, "/admin/change-log"):
        assert client_as(cast.alice).get(page, check=False).status_code in (403, 404)
        assert client.get(page, check=False).status_code == 303


def test_what_nobody_published_has_no_draft(olga):
    assert olga.get(DRAFT, check=False).status_code == 404
    assert olga.post("/admin/documents/gossip/draft/begin", check=False).status_code == 404
    assert olga.get(f"{DRAFT}/edit", check=False).status_code == 404


def test_an_entry_of_the_change_log_is_added_once_and_corrected(olga, client, clock):
    page = olga.get("/admin/change-log/new").text
    once = re.search(r'name="once"[^>]*value="([^"]+)"', page)[1]
    values = {"changed_on": "2026-03-01", "text_en": "The API is <new>.", "text_de": "Die API ist neu.", "once": once}
    assert [olga.post("/admin/change-log/new", data=values).status_code for _click in range(2)] == [303, 303]
    assert PortalChange.select().count() == 1
    page = client.get("/changes").text
    assert "The API is &lt;new&gt;." in page and "1 Mar 2026" in page
    own = f"/admin/change-log/{PortalChange.get().id}"
    data = {**values, "text_en": "The API is better.", "revision": "0"}
    assert olga.post(own, data=data).status_code == 303
    assert olga.post(own, data=data | {"text_en": "Late."}).status_code == 422
    assert "The API is better." in client.get("/changes").text
    assert AuditEvent.get(AuditEvent.action == "portal_change.corrected").before["en"] == "The API is <new>."


def test_an_entry_is_needed_in_every_language(olga):
    answer = olga.post("/admin/change-log/new", data={"changed_on": "2026-03-01", "text_en": "New.", "text_de": ""})
    assert answer.status_code == 422 and "Say it in every language." in answer.text


def test_an_unknown_entry_is_nobodys(olga):
    assert olga.get("/admin/change-log/4711", check=False).status_code == 404
