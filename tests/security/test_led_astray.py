"""Nobody is led elsewhere (threats.md 12 and 13): no parameter and no host name makes a redirect, a page or a mail point
out of the portal."""

import re
from urllib.parse import urljoin, urlsplit

import pytest

from models.outbox import Mail
from tests.security import walking
from tests.security.filling import forms_of
from tests.security.walking import World, signed_in

ELSEWHERE = (
    "//evil.example", "///evil.example", "////evil.example/x", "/\\evil.example", "\\\\evil.example", "/\\/evil.example",
    "https://evil.example", "https:evil.example", "https:/evil.example", "http:///evil.example", "HTTPS://EVIL.EXAMPLE",
    "javascript:alert(1)", "data:text/html,x", "//evil.example@portal.test", "https://portal.test@evil.example",
    "https://portal.test.evil.example", "/%09/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example",
    " //evil.example", "/%2f%2fevil.example", "/%5cevil.example", "/home%0d%0aLocation:%20https://evil.example",
    "/home\r\nLocation: https://evil.example", "//evil.example/home", ".evil.example", "@evil.example", "//[::1]/",
    "/home//evil.example/..//", "/../..//evil.example", "//%65vil.example", "/／evil.example", "https://evil。example",
)  # fmt: skip
NAMES = ("next", "url", "return", "return_to", "redirect", "redirect_uri", "back", "continue", "to", "goto", "path")
HOSTS = ("evil.example", "portal.test.evil.example", "portal.test@evil.example", "portal.test, evil.example", "[::1]")
TOLD = {
    "X-Forwarded-Host": "evil.example", "X-Host": "evil.example", "Forwarded": "host=evil.example;proto=https",
    "X-Forwarded-Server": "evil.example", "X-Original-URL": "/admin", "X-Rewrite-URL": "/admin",
    "X-Forwarded-Prefix": "//evil.example", "X-Forwarded-Port": "1", "X-HTTP-Method-Override": "DELETE",
}  # fmt: skip


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def leads_out(app, answer) -> str | None:
    """Where a browser would go that is not the portal, by any of the ways that an answer can send it."""
    for name in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Refresh"):
        target = answer.headers.get(name)
        if target is None:
            continue
        if re.search(r"[\r\n\t\\]", target):
            return target
        own, led = urlsplit(app.settings.public_url), urlsplit(urljoin(f"{app.settings.public_url}/x", target))
        if (led.scheme, led.netloc) != (own.scheme, own.netloc):
            return target
    return None


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["nobody", "admin", "owner", "customer"])
def test_no_parameter_leads_out_of_the_portal(app, world, role):
    """Each address with every name that could mean "where to go on", and forms that have such a field."""
    assert len(ELSEWHERE) >= 25
    browser, wrong = signed_in(app, world, role), []
    for way, _side, path in walking.every(app, world, "GET", role=role):
        for target in ELSEWHERE[::6]:
            answer = browser.get(path, query_string=dict.fromkeys(NAMES, target), check=False)
            if leads_out(app, answer):
                wrong.append(f"{way} with {target!r}: {leads_out(app, answer)!r}")
    asking = [form for form in forms_of(app, world, role) if {c.name for c in form.controls} & set(NAMES)]
    for form in asking:
        name = next(control.name for control in form.controls if control.name in NAMES)
        for target in ELSEWHERE:
            browser = signed_in(app, world, role)
            for htmx in (False, True):
                answer = browser.post(form.action, data=form.filled(**{name: target}), htmx=htmx, check=False)
                if leads_out(app, answer):
                    wrong.append(f"{form} with {target!r}: {leads_out(app, answer)!r}")
    assert wrong == []
    assert asking


def test_after_the_log_in_nobody_is_elsewhere(app, cast):
    wrong = []
    for number, target in enumerate(ELSEWHERE):
        browser = app.test_client()
        browser.get("/login", query_string={"next": target}, check=False)
        sent = {"email": cast.alice.email, "password": cast.password, "next": target}
        answer = browser.post("/login", data=sent, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}, check=False)
        if answer.status_code not in (303, 400) or leads_out(app, answer):
            wrong.append(f"{target!r}: {answer.status_code} {answer.location!r}")
    assert wrong == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_reset_under_a_foreign_name_writes_no_mail(app, cast, client, host):
    answer = client.post(
        "/password/forgot", data={"email": cast.alice.email}, headers={"Host": host}, base_url="http://portal.test",
        check=False,
    )  # fmt: skip
    assert answer.status_code == 400
    assert Mail.select().count() == 0


def test_what_a_client_claims_about_host_and_path_gets_into_no_mail_and_no_page(app, cast, client):
    for address in ("/password/forgot", "/console/password/forgot"):
        client.post(address, data={"email": cast.alice.email}, headers=TOLD, check=False)
    for mail in Mail.select():
        assert "evil" not in mail.text + mail.html + mail.subject + mail.recipient
    assert Mail.select().count() >= 1
    for path in ("/", "/login", "/nothing-here", "/home", "/sign-up/company"):
        answer = client.get(path, headers=TOLD, check=False)
        assert "evil" not in answer.text and "evil" not in str(answer.headers), path
