"""The headers of every sort of answer, compared whole: one that is missing, changed or new fails."""

import hashlib
import re

import pytest

from tests.house.source import ROOT

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PRIVATE = {"Cache-Control": "no-store", "Vary": "HX-Request, Cookie, Accept-Language"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
# They differ from answer to answer, or belong to what is sent and not to how.
OWN = ("Content-Length", "X-Request-Id", "Set-Cookie", "Location", "Date", "ETag", "Last-Modified", "HX-Trigger")
DIGEST = hashlib.sha256((ROOT / "static" / "portal.css").read_bytes()).hexdigest()[:12]
STS = {"Strict-Transport-Security": "max-age=31536000"}


def headers_of(answer) -> dict[str, str]:
    assert len(answer.headers["X-Request-Id"]) == 16
    return {name: value for name, value in answer.headers.items() if name not in OWN}


def test_a_page(client):
    assert headers_of(client.get("/login")) == {**ALWAYS, **PRIVATE, **HTML}


def test_a_page_of_somebody(cast, client_as):
    assert headers_of(client_as(cast.alice).get("/home")) == {**ALWAYS, **PRIVATE, **HTML}


def test_a_piece_of_a_page(cast, client_as):
    assert headers_of(client_as(cast.alice).get("/sub-accounts", htmx=True)) == {**ALWAYS, **PRIVATE, **HTML}


def test_something_that_is_not_there(client):
    answer = client.get("/nothing-here")
    assert (answer.status_code, headers_of(answer)) == (404, {**ALWAYS, **PRIVATE, **HTML})


def test_a_redirect(client):
    answer = client.get("/home")
    assert (answer.status_code, headers_of(answer)) == (303, {**ALWAYS, **PRIVATE, **HTML})
    assert answer.headers["Location"] == "/login?next=/home"


def test_a_refused_form(client):
    answer = client.post("/language", csrf=False)
    assert (answer.status_code, headers_of(answer)) == (400, {**ALWAYS, **PRIVATE, **HTML})


def test_a_wrong_method(client):
    answer = client.post("/home")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert {name: value for name, value in headers_of(answer).items() if name != "Allow"} == {
        **ALWAYS,
        **PRIVATE,
        **HTML,
    }


def test_a_fault(app, client):
    def fail():
        raise ZeroDivisionError

    app.view_functions["health.show"] = fail
    fail.access = type("Open", (), {"open_to_all": True})()
    answer = client.get("/health")
    assert (answer.status_code, headers_of(answer)) == (500, {**ALWAYS, **PRIVATE, **HTML})
    assert "ZeroDivisionError" not in answer.text


def test_health(client):
    assert headers_of(client.get("/health")) == {**ALWAYS, **PRIVATE, "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", "no-cache"),
        ("?v=000000000000", "no-cache"),
        (f"?v={DIGEST}", "public, max-age=31536000, immutable"),
        (f"?v={DIGEST}&v=000000000000", "public, max-age=31536000, immutable"),
    ],
    ids=["plain", "by another's digest", "by its digest", "by its digest and more"],
)
def test_a_static_file_is_kept_for_good_only_under_its_own_digest(client, query, kept):
    """Else a shared cache could be filled with this content under the address of the next release."""
    answer = client.get(f"/static/portal.css{query}")
    sent = headers_of(answer)
    assert answer.status_code == 200
    assert sent.pop("Content-Disposition") == "inline; filename=portal.css"
    assert sent == {
        **ALWAYS,
        "Content-Type": "text/css; charset=utf-8",
        "Accept-Ranges": "bytes",
        "Cache-Control": kept,
    }


def test_a_static_file_that_is_not_there_is_kept_nowhere(client):
    answer = client.get("/static/nothing.css?v=1")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-cache")


def test_over_https_browsers_are_told_to_stay_there(make_app):
    answer = make_app(public_url="https://portal.example.com").test_client().get("/login")
    assert headers_of(answer) == {**ALWAYS, **PRIVATE, **HTML, **STS}


def test_the_cookie_over_https(make_app, cast):
    browser = make_app(public_url="https://portal.example.com").test_client()
    browser.sign_in(cast.alice)
    cookie = browser.post("/language", data={"language": "de"}).headers["Set-Cookie"]
    name, *flags = cookie.split("; ")
    assert name.startswith("__Host-portal=")
    assert sorted(flags) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]


def test_the_cookie_that_knows_a_device_again(make_app, cast):
    browser = make_app(public_url="https://portal.example.com").test_client()
    answer = browser.post("/login", data={"email": cast.alice.email, "password": cast.password})
    [cookie] = [text for text in answer.headers.getlist("Set-Cookie") if "device" in text]
    name, *flags = cookie.split("; ")
    assert re.fullmatch(r"__Host-portal-device=[A-Za-z0-9_-]{22}\.[0-9a-f]{64}", name)
    assert [flag for flag in sorted(flags) if not flag.startswith("Expires=")] == [
        "HttpOnly",
        "Max-Age=31536000",
        "Path=/",
        "SameSite=Lax",
        "Secure",
    ]


def test_the_cookie_on_this_machine(client):
    cookie = client.post("/language", data={"language": "de"}).headers["Set-Cookie"]
    name, *flags = cookie.split("; ")
    assert name.startswith("portal=")
    assert sorted(flags) == ["HttpOnly", "Path=/", "SameSite=Lax"]


def test_a_foreign_host_name_is_refused(client):
    assert client.get("/login", headers={"Host": "evil.example"}, check=False).status_code == 400


def test_a_body_that_is_too_large_is_refused(client):
    assert client.post("/language", data={"language": "x" * 1_000_001}).status_code == 413


def test_the_server_does_not_say_what_it_is(client):
    assert "Server" not in client.get("/login").headers
