"""The page Company log-in of a partner's administrators, and the desk that confirms mail domains."""

import threading
from html import unescape

import pytest

from models.audit import AuditEvent
from models.base import database
from models.outbox import Mail
from models.partner import Member
from models.sso import Sso, SsoDomain, SsoFlow, SsoLink
from services import attempts, own_data_person, sso, sso_desk, sso_rules, sso_sign_in
from services.secret import Vault
from services.sso import SsoRefused
from tests.openid import CLIENT_ID, CLIENT_SECRET, lying_provider
from tests.sso_ground import Company

PAGE = "/company-log-in"


@pytest.fixture
def app(make_app):
    return make_app(sso_loopback=True)


@pytest.fixture
def company(app, acting, cast) -> Company:
    return Company(app.settings, acting, cast)


@pytest.fixture
def lying():
    with lying_provider() as provider:
        yield provider


def entered(issuer: str, **more) -> dict:
    return {"issuer": issuer, "client_id": CLIENT_ID, "secret": CLIENT_SECRET, **more}


def bound(member: Member, clock, issuer: str) -> SsoLink:
    now = clock.now()
    return SsoLink.create(member=member, issuer=issuer, subject=f"s{member.id}", created_at=now, last_used_at=now)


def news() -> list[str]:
    return [mail.text for mail in Mail.select().where(Mail.template == "sso_news").order_by(Mail.id)]


def test_an_administrator_sets_it_up_and_every_administrator_is_told(client_as, app, cast, lying):
    browser = client_as(cast.alice)
    assert f"/login/sso/{cast.northwind.public_id}/back" in browser.get(PAGE).text
    assert browser.post(PAGE, data=entered(lying.issuer)).location == PAGE
    row = Sso.get()
    assert (row.issuer, row.client_id, row.enabled) == (lying.issuer, CLIENT_ID, False)
    assert Vault(app.settings.data_keys).open(row.secret_ct).reveal() == CLIENT_SECRET
    browser.post(f"{PAGE}/check")
    page = unescape(browser.get(PAGE).text)
    assert f"{lying.issuer} answers. 1 key for signatures was read." in page and CLIENT_SECRET not in page
    browser.post(f"{PAGE}/switch", data={"wanted": "on"})
    browser.post(f"{PAGE}/switch", data={"wanted": "on"})
    assert Sso.get().enabled and len(news()) == 1 and "switched the company log-in" in news()[0]
    browser.post(f"{PAGE}/switch", data={"wanted": "off"})
    assert not Sso.get().enabled and len(news()) == 2
    actions = [
        event.action for event in AuditEvent.select().where(AuditEvent.thing_kind == "sso").order_by(AuditEvent.id)
    ]
    assert actions == ["sso.set", "sso.on", "sso.off"]
    assert browser.post(f"{PAGE}/switch", data={"wanted": "perhaps"}).status_code == 400


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"issuer": "https://other.example"}, "The log-in calls itself https://other.example. Enter exactly that."),
        ({"response_types_supported": ["id_token"]}, "no authorization code flow"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not offer PKCE with S256"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "signs in no way that the portal can check"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "does not take a client secret"),
        ({"token_endpoint": "http://169.254.169.254/token"}, "begins with https://"),
        ({"jwks_uri": "file:///etc/passwd"}, "begins with https://"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "begins with https://"),
    ],
)
def test_a_log_in_that_does_not_fit_is_not_switched_on(client_as, cast, lying, metadata, sentence):
    lying.metadata = metadata
    browser = client_as(cast.alice)
    browser.post(PAGE, data=entered(lying.issuer))
    browser.post(f"{PAGE}/switch", data={"wanted": "on"})
    assert sentence in unescape(browser.get(PAGE).text)
    assert not Sso.get().enabled and news() == []


def test_a_log_in_without_keys_or_with_nonsense_is_not_switched_on(client_as, cast, lying):
    browser = client_as(cast.alice)
    browser.post(PAGE, data=entered(lying.issuer))
    lying.published = []
    browser.post(f"{PAGE}/check")
    assert "publishes no key" in browser.get(PAGE).text
    for nonsense in (b"[]", b"no json", b"{}", b'{"issuer": 5}', b'{"keys": 5}'):
        lying.raw = lambda _asked, nonsense=nonsense: nonsense
        browser.post(f"{PAGE}/switch", data={"wanted": "on"})
        assert browser.get(PAGE).status_code == 200
    assert not Sso.get().enabled


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example.com"}, {"issuer": "https://login.example.com/?a=b"}, {"issuer": ""},
        {"issuer": "https://u:p@login.example.com"}, {"client_id": ""}, {"client_id": "ä"}, {"secret": ""},
        {"secret": "two\nlines"}, {"issuer": "x" * 600},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_right_is_refused_beside_its_field(client_as, cast, wrong):
    page = client_as(cast.alice).post(PAGE, data=entered("https://login.example.com") | wrong)
    assert page.status_code == 422 and "There is a problem" in page.text
    assert not Sso.select().exists()


def test_another_address_begins_anew_and_the_same_one_keeps_the_secret(client_as, cast, company, lying, clock):
    company.set_up(lying.issuer)
    bound(cast.alice, clock, lying.issuer)
    browser = client_as(cast.alice)
    sealed = Sso.get().secret_ct
    assert browser.post(PAGE, data=entered(lying.issuer, client_id="other", secret="")).location == PAGE
    assert (Sso.get().secret_ct, Sso.get().enabled, SsoLink.select().count()) == (sealed, True, 1)
    elsewhere = entered("https://login.example.com", secret="")
    assert browser.post(PAGE, data=elsewhere).status_code == 422  # the secret goes to no other address
    assert browser.post(PAGE, data=elsewhere | {"secret": "new"}).location == PAGE
    assert not Sso.get().enabled and not SsoLink.select().exists()


def test_the_only_way_takes_somebody_who_has_gone_it(client_as, cast, company, lying, clock):
    company.set_up(lying.issuer)
    browser = client_as(cast.alice)
    page = browser.post(f"{PAGE}/rules", data={"only_way": "y"})
    assert page.status_code == 422 and "once yourself" in page.text
    bound(cast.alice, clock, lying.issuer)
    assert browser.post(f"{PAGE}/rules", data={"only_way": "y", "acr_values": " gold  silver "}).location == PAGE
    row = Sso.get()
    assert (row.only_way, row.kept_by, row.acr_values) == (True, cast.alice, "gold silver")
    assert f"The password of {cast.alice.name} stays a way in." in browser.get(PAGE).text
    assert sso_rules.keeps_password(row, cast.alice) and not sso_rules.keeps_password(row, cast.bob)
    browser.post(f"{PAGE}/rules", data={})
    assert Sso.get().kept_by is None and len([text for text in news() if "decided that members" in text]) == 2


def test_domains_are_asked_for_and_confirmed_by_the_provider(client_as, cast, clock):
    own, desk = client_as(cast.alice), client_as(cast.olga)
    own.post(PAGE, data=entered("https://login.example.com"))
    assert own.post(f"{PAGE}/domains", data={"domain": " @Northwind.EXAMPLE "}).location == PAGE
    assert "Waits for us" in own.get(PAGE).text
    for wrong in (
        "northwind.example",
        "gmail.com",
        "localhost",
        "a b.example",
        "10.0.0.1",
        "*.example",
        "ä.example",
        "",
    ):
        assert own.post(f"{PAGE}/domains", data={"domain": wrong}).status_code == 422
    row = SsoDomain.get()
    assert "northwind.example" in desk.get("/admin/company-log-ins").text
    assert desk.post(f"/admin/company-log-ins/{row.id}/confirm").status_code == 303
    desk.post(f"/admin/company-log-ins/{row.id}/confirm")
    assert "Confirmed" in own.get(PAGE).text and len(news()) == 1
    assert desk.get(f"/admin/company-log-ins/{row.id}/refuse").status_code == 200
    assert desk.post(f"/admin/company-log-ins/{row.id}/refuse", data={"note": " "}).status_code == 422
    desk.post(f"/admin/company-log-ins/{row.id}/refuse", data={"note": "It is another company's."})
    assert not SsoDomain.select().exists() and "It is another company's." in unescape(news()[1])
    assert desk.post(f"/admin/company-log-ins/{row.id}/confirm").status_code == 404
    assert desk.get(f"/admin/company-log-ins/{row.id}/refuse").status_code == 404


def test_a_domain_is_confirmed_for_one_company_and_waits_for_any(client_as, cast):
    for person in (cast.alice, cast.charlie):
        client_as(person).post(f"{PAGE}/domains", data={"domain": "shared.example"})
    first, second = SsoDomain.select().order_by(SsoDomain.id)
    desk = client_as(cast.olga)
    desk.post(f"/admin/company-log-ins/{first.id}/confirm")
    desk.post(f"/admin/company-log-ins/{second.id}/confirm")
    assert "is confirmed for another company" in desk.get("/admin/company-log-ins").text
    assert SsoDomain.select().where(SsoDomain.confirmed_at.is_null(False)).count() == 1


def test_two_operators_at_once_confirm_a_domain_for_one_company(app, acting, cast):
    rows = [sso.ask_domain(acting(person), person, "shared.example") for person in (cast.alice, cast.charlie)]
    act, refused = acting(cast.olga), []
    start = threading.Barrier(2)

    def confirm(row_id: int) -> None:
        with database.connection_context():
            start.wait()
            try:
                sso_desk.confirm(act, app.settings, row_id)
            except sso_desk.DomainTaken as refusal:
                refused.append(refusal)

    threads = [threading.Thread(target=confirm, args=[row.id]) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert SsoDomain.select().where(SsoDomain.confirmed_at.is_null(False)).count() == 1


def test_what_is_anothers_is_not_there(client_as, cast, company, lying, clock):
    company.set_up(lying.issuer)
    link, domain = bound(cast.bob, clock, lying.issuer), SsoDomain.get()
    for path in (f"{PAGE}/domains/{domain.id}/remove", f"{PAGE}/accounts/{link.id}/forget"):
        assert client_as(cast.charlie).post(path).status_code == 404
        assert client_as(cast.bob).post(path).status_code == 403
        assert client_as(cast.olga).post(path).status_code == 404
    assert client_as(cast.bob).get(PAGE).status_code == 403
    assert client_as(cast.olga).get(PAGE).status_code == 404
    assert client_as(cast.oscar).get("/admin/company-log-ins").status_code == 403
    assert client_as(cast.alice).get("/admin/company-log-ins").status_code == 404
    own = client_as(cast.alice)
    assert cast.bob.name in own.get(PAGE).text
    own.post(f"{PAGE}/accounts/{link.id}/forget")
    own.post(f"{PAGE}/domains/{domain.id}/remove")
    assert not SsoLink.select().exists() and not SsoDomain.select().exists()


def test_everything_here_asks_who_one_is(client_as, cast, company, lying, clock):
    company.set_up(lying.issuer)
    browser = client_as(cast.alice)
    clock.advance(minutes=31)
    assert browser.get(PAGE).location.startswith("/prove")
    assert browser.post(f"{PAGE}/switch", data={"wanted": "off"}).status_code == 403
    assert Sso.get().enabled


def test_a_lost_client_secret_is_said(client_as, cast, company, lying):
    company.set_up(lying.issuer)
    Sso.update(secret_ct="sealed with a key that is gone").execute()
    browser = client_as(cast.alice)
    browser.post(f"{PAGE}/check")
    assert "The client secret is lost" in browser.get(PAGE).text
    page = browser.application.test_client().post("/login/sso", data={"email": cast.alice.email})
    assert page.status_code == 422 and "The client secret is lost" in page.text


def test_begun_log_ins_go_after_their_time(app, cast, company, lying, clock):
    company.set_up(lying.issuer)
    app.test_client().post("/login/sso", data={"email": cast.alice.email})
    assert sso_sign_in.tidy(clock.now()) == 0
    assert sso_sign_in.tidy(clock.advance(minutes=10)) == 1
    assert not SsoFlow.select().exists()


def test_a_persons_data_hold_the_account_and_no_secret(cast, company, lying, clock, app):
    company.set_up(lying.issuer)
    bound(cast.alice, clock, lying.issuer)
    text = b"".join(own_data_person.as_json(cast.alice, clock.now())).decode()
    assert f'"s{cast.alice.id}"' in text and CLIENT_SECRET not in text and Sso.get().secret_ct not in text


def test_twenty_domains_are_enough(acting, cast):
    for number in range(sso.MOST_DOMAINS):
        sso.ask_domain(acting(cast.alice), cast.alice, f"d{number}.example")
    with pytest.raises(SsoRefused):
        sso.ask_domain(acting(cast.alice), cast.alice, "one-more.example")


def test_too_many_log_ins_from_one_network_wait(app, cast, company, lying, monkeypatch):
    company.set_up(lying.issuer)
    browser = app.test_client()
    monkeypatch.setitem(attempts.LIMITS, attempts.SSO, attempts.Limit(2, 2, 5))
    answers = [browser.post("/login/sso", data={"email": "nobody@elsewhere.example"}) for _try in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert "Retry-After" in answers[2].headers
