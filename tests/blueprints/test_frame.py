"""What the frame does with requests that no page expects."""

import io

import pytest

from models.audit import AuditEvent


def test_a_post_without_its_token_is_refused_for_whoever_is_signed_in(client_as, cast):
    assert client_as(cast.alice).post("/logout", csrf=False).status_code == 400


def test_an_htmx_post_with_a_stale_token_reloads_the_page(client_as, cast):
    answer = client_as(cast.alice).post("/logout", htmx=True, csrf=False)
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_a_foreign_host_is_refused(client):
    answer = client.get("/login", headers={"Host": "evil.example"}, check=False)
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")


@pytest.mark.parametrize("address", ["/sub-accounts?q=a%00b", "/sub-accounts?a%00b=1"])
def test_a_nul_is_refused_before_the_database_sees_it(client_as, cast, address):
    assert client_as(cast.alice).get(address).status_code == 400


def test_a_nul_in_a_form_is_refused(client_as, cast):
    assert client_as(cast.alice).post("/language", data={"language": "d\x00e"}).status_code == 400


class Unread(io.BytesIO):
    """A body that must not be received."""

    def read(self, *_):
        raise AssertionError("the body was read")

    readinto = readline = read


@pytest.mark.parametrize("path", ["/sub-accounts/new", "/admin/partners/1/documents/new", "/profile"])
def test_what_a_stranger_sends_is_not_received(client, path):
    with Unread(b"x" * 200_000) as body:
        answer = client.post(path, input_stream=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 303


def test_a_post_from_another_site_is_refused(client_as, cast):
    browser = client_as(cast.alice)
    assert browser.post("/language", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/\tevil",
        "/nowhere",
        "evil",
        "/logout",
        "",
        "/;@x",
    ],
)
def test_the_language_choice_leads_only_to_own_pages(client, target):
    assert client.post("/language", data={"language": "de", "next": target}).location == "/"


def test_the_language_choice_comes_back_to_the_page_it_was_made_on(client):
    answer = client.post("/language", data={"language": "de", "next": "/terms?x=1"})
    assert answer.location == "/terms?x=1"
    assert 'lang="de"' in client.get("/terms").text


def test_the_menu_marks_the_area_that_a_page_lies_in(client_as, cast):
    page = client_as(cast.olga).get(f"/admin/partners/{cast.northwind.id}").text
    assert page.count('aria-current="page">Partners') == 2  # the wide menu and the narrow one
    assert 'aria-current="page">Queue' not in page


def test_a_member_of_a_waiting_partner_learns_nothing_of_the_operators_pages(client_as, cast):
    cast.northwind.state = "applied"
    cast.northwind.save()
    assert client_as(cast.alice).get("/admin").status_code == 404


def test_the_trail_says_who_signed_in(client_as, cast):
    client_as(cast.alice)
    event = AuditEvent.get(AuditEvent.action == "session.begun")
    assert (event.actor_kind, event.actor_name, event.partner_id) == ("member", "Alice Adler", cast.northwind.id)
