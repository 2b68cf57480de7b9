"""Links to pages of others: marked, through a page that says so, and to nowhere that the portal does not name (T15)."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from models.integration import Integration
from services import documents, outward
from services.audit import Act
from services.secret import Secret

ENTRY = {
    "name": "rclone",
    "url": "https://rclone.example.org/",
    "purpose_en": "Copies files.",
    "purpose_de": "Kopiert.",
}


@pytest.fixture
def olga(cast, client_as):
    return client_as(cast.olga)


@pytest.fixture
def portal_with(make_app, settings):
    """`portal_with(colour="#8a1538")` -> nobody's browser in a portal whose provider has these details too."""

    def opened(**details):
        return make_app(provider=replace(settings.provider, **details)).test_client()

    return opened


def link_to(page: str, word: str) -> str:
    return unescape(re.search(rf'<a href="(/out[^"]+)"[^>]*>{word}', page)[1])


def test_a_program_is_added_shown_to_partners_and_left_through_the_notice_page(cast, olga, client_as, client):
    assert olga.post("/admin/integrations/new", data=ENTRY).status_code == 303
    page = client_as(cast.alice).get("/integrations").text
    link = link_to(page, "rclone")
    assert "Copies files." in page and "another site" in page
    notice = client.get(link)
    assert "leads to rclone.example.org" in notice.text
    out = re.search(r'<a class="button button-primary" href="([^"]+)" rel="([^"]+)"', notice.text)
    assert (out[1], out[2]) == (ENTRY["url"], "external noopener noreferrer")
    assert parse_qs(urlsplit(link).query)["to"] == [ENTRY["url"]]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"to": "https://evil.example/"},
        {"to": "https://evil.example/", "mark": "0" * 32},
        {"to": "https://evil.example/", "mark": "ü"},
        {"to": "javascript:alert(1)", "sign": True},
        {"to": "//evil.example", "sign": True},
        {"to": "https://a@evil.example/", "sign": True},
        {"to": "https:\\\\evil.example", "sign": True},
        {"to": "https://evil.example/\r\nx", "sign": True},
        {"to": "/home", "sign": True},
    ],
)
def test_nobody_else_can_send_people_anywhere(app, client, query):
    if query.pop("sign", False):
        query["mark"] = outward.mark(app.settings.secret_key, query["to"])
    assert client.get("/out", query_string=query).status_code == 404


def test_a_mark_holds_for_one_address_and_one_installation():
    key, url = Secret("k" * 32), "https://example.com/"
    assert outward.is_marked(key, url, outward.mark(key, url))
    assert not outward.is_marked(key, url + "x", outward.mark(key, url))
    assert not outward.is_marked(Secret("l" * 32), url, outward.mark(key, url))


def test_links_within_documents_are_marked_too(app, client):
    with write_tx():
        documents.publish_shipped(Act(at=app.clock.now()), app.settings)
    page = client.get("/terms").text
    text = client.get(re.search(r'href="(/terms/portal_terms/[^"]+)"', page)[1]).text
    console = app.settings.provider.console_address
    assert "/out?to=" in text and f'href="{console}' not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "Enter a name"),
        ({"name": "x" * 81}, "at most 80"),
        ({"url": "http://plain.example"}, "begins with https://"),
        ({"url": "https://user:pass@example.com"}, "begins with https://"),
        ({"purpose_de": ""}, "Say in a sentence"),
        ({"purpose_en": "x" * 301}, "at most 300"),
    ],
)
def test_bad_input_is_explained_and_stores_nothing(cast, olga, change, words):
    answer = olga.post("/admin/integrations/new", data={**ENTRY, **change})
    assert answer.status_code == 422 and words in answer.text
    assert not Integration.select().count()


def test_an_entry_is_changed_and_removed_with_a_trail(cast, olga):
    olga.post("/admin/integrations/new", data=ENTRY)
    row = Integration.get()
    at = f"/admin/integrations/{row.id}"
    assert 'value="rclone"' in olga.get(at).text
    assert olga.post(at, data={**ENTRY, "name": "Rclone 2"}).status_code == 303
    assert olga.post("/admin/integrations/new", data={**ENTRY, "name": "RCLONE 2"}).status_code == 422
    assert olga.post(f"{at}/remove").status_code == 303
    assert olga.post(f"{at}/remove").status_code == olga.get(at).status_code == 404
    actions = AuditEvent.select().where(AuditEvent.thing_kind == "integration").order_by(AuditEvent.id)
    assert [event.action for event in actions] == ["integration.added", "integration.changed", "integration.removed"]


def test_support_sees_the_list_and_changes_nothing(cast, olga, client_as):
    olga.post("/admin/integrations/new", data=ENTRY)
    oscar = client_as(cast.oscar)
    assert "rclone" in oscar.get("/admin/integrations").text
    assert oscar.post("/admin/integrations/new", data=ENTRY).status_code == 403
    assert oscar.post(f"/admin/integrations/{Integration.get().id}/remove").status_code == 403


def test_the_footer_names_the_owner_and_the_imprint(portal_with):
    page = portal_with(imprint="https://example.com/imprint").get("/login").text
    assert "© 2026 Example Storage GmbH. All rights reserved." in page
    assert link_to(page, "Imprint").startswith("/out?to=https://example.com/imprint")


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


def test_the_providers_colour_and_logo_are_on_every_page(portal_with, tmp_path):
    path = tmp_path / "logo.svg"
    path.write_text(SVG)
    browser = portal_with(colour="#8a1538", logo=str(path))
    page = browser.get("/login").text
    style, logo = (unescape(re.search(rf'="(/brand/{name}[^"]+)"', page)[1]) for name in ("style", "logo"))
    sheet, picture = browser.get(style), browser.get(logo)
    assert "--accent: light-dark(#8a1538, #" in sheet.text and sheet.content_type.startswith("text/css")
    assert (picture.text, picture.content_type) == (SVG, "image/svg+xml")
    assert sheet.headers["Cache-Control"] == picture.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert browser.get("/brand/logo?v=other").headers["Cache-Control"] == "no-cache"


def test_without_them_the_portal_looks_like_itself(client):
    page = client.get("/login").text
    assert "/brand/" not in page
    assert client.get("/brand/style.css").status_code == client.get("/brand/logo").status_code == 404
