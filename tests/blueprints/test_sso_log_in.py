"""Signing in with a company's own log-in, over the portal's own pages: a real provider, and one that lies."""

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc.jwk import RSAKey

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import Member, Partner
from models.session import Session
from models.sso import Sso, SsoDomain, SsoFlow, SsoLink
from services import sso, sso_desk, team
from services.clock import FakeClock, SystemClock
from tests.notices import switched_off
from tests.openid import CLIENT_ID, CLIENT_SECRET, lying_provider, real_provider
from tests.services.factors import with_app
from tests.sso_ground import Company


@pytest.fixture
def clock() -> FakeClock:
    """Tokens of a real provider are of now."""
    return FakeClock(SystemClock().now())


@pytest.fixture
def app(make_app):
    return make_app(sso_loopback=True)


@pytest.fixture(scope="module")
def real():
    with real_provider() as provider:
        yield provider


@pytest.fixture
def lying(clock, cast):
    with lying_provider() as provider:
        now = int(clock.now().timestamp())
        provider.claims = {
            "sub": "alice-there", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "email": cast.alice.email, "email_verified": True,
        }  # fmt: skip
        yield provider


@pytest.fixture
def company(app, acting, cast) -> Company:
    return Company(app.settings, acting, cast)


def begun(browser, address: str, **more: str) -> str:
    """The address at the provider to which the browser is led."""
    page = browser.post("/login/sso", data={"email": address, **more})
    assert page.status_code == 200, page.text
    url = unescape(re.search(r'href="(http://127[^"]+)" rel="noreferrer"', page.text)[1])
    assert page.headers["Refresh"] == f"0; url={url}"
    return url


def returned(browser, address: str):
    """The provider leads the browser back; the page there shows nothing and leads on."""
    parts = urlsplit(address)
    page = browser.get(f"{parts.path}?{parts.query}")
    assert page.status_code == 303 and "code" not in page.location and "state" not in page.location
    return page


def refused(browser, address: str) -> str:
    assert returned(browser, address).location == "/login/sso/failed"
    assert browser.get("/home").location.startswith("/login")
    assert not Session.select().exists()
    return unescape(browser.get("/login/sso/failed").text)


def changed(address: str, **values: str | None) -> str:
    parts = urlsplit(address)
    query = {name: found[0] for name, found in parse_qs(parts.query).items()} | values
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{parts.path}?{urlencode(kept)}"


def test_a_member_signs_in_at_a_real_provider(client, cast, company, real):
    real.put("alice-there", email=cast.alice.email, email_verified=True)
    company.set_up(real.issuer)
    assert "Sign in with your company" in client.get("/login").text
    back = real.sign_in(begun(client, f" {cast.alice.email.upper()} ", next="/profile"), "alice-there")
    assert returned(client, back).location == "/profile"
    assert cast.alice.name in client.get("/profile").text
    row, link = Session.get(), SsoLink.get()
    assert (row.method, row.member, row.second_factor_at) == ("sso", cast.alice, None)
    assert (link.issuer, link.subject, link.member) == (real.issuer, "alice-there", cast.alice)
    assert AuditEvent.select().where(AuditEvent.action == "sso_link.bound").count() == 1


def test_later_the_account_counts_whatever_its_address(client, app, cast, company, real):
    real.put("alice-there", email=cast.alice.email, email_verified=True)
    company.set_up(real.issuer)
    returned(client, real.sign_in(begun(client, cast.alice.email), "alice-there"))
    real.put("alice-there", email=cast.bob.email, email_verified=False)
    other = app.test_client()
    assert returned(other, real.sign_in(begun(other, cast.alice.email), "alice-there")).location == "/home"
    assert {row.member_id for row in Session.select()} == {cast.alice.id}


def test_a_real_providers_code_works_once(client, cast, company, real):
    real.put("alice-there", email=cast.alice.email, email_verified=True)
    company.set_up(real.issuer)
    first = real.sign_in(begun(client, cast.alice.email), "alice-there")
    second = begun(client, cast.alice.email)
    state = parse_qs(urlsplit(second).query)["state"][0]
    code = parse_qs(urlsplit(first).query)["code"][0]
    # the code of another log-in does not fit the nonce of this one
    assert "does not hold here" in refused(client, changed(first, state=state, code=code))


def test_whoever_gives_up_at_the_provider_is_told(client, cast, company, real):
    company.set_up(real.issuer)
    where = begun(client, cast.alice.email)
    asked = {name: found[0] for name, found in parse_qs(urlsplit(where).query).items()}
    denied = f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
    assert "did not sign in" in refused(client, denied)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "of-another"}, {"nonce": None}, {"aud": "another"}, {"aud": None}, {"iss": "https://evil.example"},
        {"exp": 1}, {"exp": None}, {"aud": [CLIENT_ID, "another"]}, {"azp": "another"}, {"sub": None}, {"sub": 5},
        {"sub": ""}, {"nbf": 4102444800}, {"iat": "soon"}, {"exp": "late"},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_for_another_is_refused(client, cast, company, lying, wrong):
    lying.claims |= wrong
    company.set_up(lying.issuer)
    assert "does not hold here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))
    assert not SsoLink.select().exists()


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_no_public_key_signed_is_refused(client, cast, company, lying, algorithm):
    company.set_up(lying.issuer)
    lying.algorithm = algorithm
    assert "does not hold here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))


def test_a_token_of_another_key_is_refused_and_a_rotated_key_counts_at_once(client, cast, company, lying):
    company.set_up(lying.issuer)
    old, lying.key = lying.key, RSAKey.generate_key(2048, {"kid": "one"})
    lying.published = [old]
    assert "does not hold here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))
    lying.published = [lying.key]
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).location == "/home"


def test_the_state_of_another_browser_opens_nothing(client, app, cast, company, lying):
    company.set_up(lying.issuer)
    other = app.test_client()
    back = lying.sign_in(begun(other, cast.alice.email))
    assert "another browser" in refused(client, back)
    begun(client, cast.alice.email)
    assert "another browser" in refused(client, back)  # also beside one of its own
    assert "another browser" in refused(client, changed(back, state=None))
    assert returned(other, back).location == "/home"


def test_what_came_back_once_does_not_come_back_again(client, cast, company, lying):
    company.set_up(lying.issuer)
    back = lying.sign_in(begun(client, cast.alice.email))
    with client.own_session() as values:
        kept = dict(values["company_log_in"])
    assert returned(client, back).location == "/home"
    client.post("/logout")
    with client.own_session() as values:
        values["company_log_in"] = kept  # an old cookie put back
    assert returned(client, back).location == "/login/sso/failed"
    assert not SsoFlow.select().exists()


def test_a_log_in_takes_ten_minutes_at_most(client, cast, company, lying, clock):
    company.set_up(lying.issuer)
    back = lying.sign_in(begun(client, cast.alice.email))
    clock.advance(minutes=10)
    assert "took too long" in refused(client, back)


def test_an_answer_at_the_address_of_another_company_is_refused(client, cast, company, lying):
    """Mix-up: each company has an address of its own to come back to, and an answer may say whose it is."""
    company.set_up(lying.issuer)
    company.set_up(lying.issuer, cast.charlie)
    back = lying.sign_in(begun(client, cast.alice.email))
    foreign = back.replace(cast.alice.partner.public_id, cast.charlie.partner.public_id)
    assert foreign != back
    asked = len(lying.asked)
    assert "Begin again" in refused(client, foreign)
    assert len(lying.asked) == asked  # its code was told to nobody


def test_an_answer_that_names_another_provider_is_refused_before_the_code_is_told(client, cast, company, lying):
    company.set_up(lying.issuer)
    back = lying.sign_in(begun(client, cast.alice.email), iss="https://evil.example")
    asked = len(lying.asked)
    assert "does not hold here" in refused(client, back)
    assert len(lying.asked) == asked
    assert returned(client, lying.sign_in(begun(client, cast.alice.email), iss=lying.issuer)).location == "/home"


def test_a_provider_that_says_it_names_itself_has_to(client, cast, company, lying):
    lying.metadata = {"authorization_response_iss_parameter_supported": True}
    company.set_up(lying.issuer)
    assert "does not hold here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))
    assert "/token" not in lying.asked


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_is_not_verified_signs_nobody_in(client, cast, company, lying, verified):
    lying.claims["email_verified"] = verified
    company.set_up(lying.issuer)
    assert "does not say that your mail address is verified" in refused(
        client, lying.sign_in(begun(client, cast.alice.email))
    )


def test_an_address_only_at_userinfo_counts_if_it_is_of_the_same_account(client, cast, company, lying):
    lying.metadata = {"userinfo_endpoint": f"{lying.issuer}/userinfo"}
    del lying.claims["email"], lying.claims["email_verified"]
    lying.userinfo = {"sub": "somebody-else", "email": cast.alice.email, "email_verified": True}
    company.set_up(lying.issuer)
    assert "does not hold here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))
    lying.userinfo["sub"] = "alice-there"
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).location == "/home"


def test_nobody_comes_in_with_an_address_of_another_company_or_of_the_provider(client, cast, company, lying):
    company.set_up(lying.issuer)
    for address in (cast.charlie.email, cast.olga.email, "nobody@" + cast.alice.email.rpartition("@")[2]):
        lying.claims["email"] = address
        assert "There is no log-in here" in refused(client, lying.sign_in(begun(client, cast.alice.email)))
    assert Member.select().where(Member.email_key.startswith("nobody")).count() == 0


def test_a_domain_counts_once_it_is_confirmed_and_as_long_as_it_is(client, app, cast, company, lying, acting):
    company.set_up(lying.issuer)
    row = SsoDomain.get()
    SsoDomain.update(confirmed_at=None, confirmed_by="").execute()
    page = client.post("/login/sso", data={"email": cast.alice.email})
    assert page.status_code == 422 and "no log-in of its own" in page.text
    sso_desk.confirm(acting(cast.olga), app.settings, row.id)
    back = lying.sign_in(begun(client, cast.alice.email))
    assert returned(client, back).location == "/home"
    other = app.test_client()
    back = lying.sign_in(begun(other, cast.alice.email))
    sso_desk.refuse(acting(cast.olga), app.settings, row.id, "Not yours any more.")
    assert returned(other, back).location == "/login/sso/failed"  # bound already, and no way in all the same


def test_another_account_with_the_same_address_is_refused_and_the_administrators_are_told_once(
    client, app, cast, company, lying
):
    company.set_up(lying.issuer)
    returned(client, lying.sign_in(begun(client, cast.alice.email)))
    Mail.delete().execute()
    lying.claims["sub"] = "an-impostor"
    for _try in range(2):
        other = app.test_client()
        assert returned(other, lying.sign_in(begun(other, cast.alice.email))).location == "/login/sso/failed"
        assert "Another account of your company" in other.get("/login/sso/failed").text
    mails = list(Mail.select().where(Mail.template == "sso_news"))
    assert [mail.recipient for mail in mails] == [cast.alice.email]
    assert "It is not the account that is bound" in mails[0].text
    assert SsoLink.get().subject == "alice-there"


@pytest.mark.parametrize("gone", ["inactive", "removed", "expired", "barred"])
def test_whoever_may_not_sign_in_does_not_this_way_either(client, app, cast, company, lying, acting, clock, gone):
    lying.claims["email"] = cast.bob.email
    company.set_up(lying.issuer)
    if gone == "inactive":
        Member.update(active=False).where(Member.id == cast.bob.id).execute()
    elif gone == "removed":
        team.remove(acting(cast.alice), app.settings, cast.bob)
    elif gone == "expired":
        Member.update(access_until_on=clock.now().date().replace(year=2020)).where(Member.id == cast.bob.id).execute()
    else:
        Partner.update(state="barred").where(Partner.id == cast.bob.partner_id).execute()
    sentence = refused(client, lying.sign_in(begun(client, cast.bob.email)))
    assert "no log-in here" in sentence if gone == "removed" else "no longer active" in sentence
    assert not SsoLink.select().exists()


def test_a_member_of_a_suspended_company_sees_what_a_suspension_leaves(client, cast, company, lying):
    company.set_up(lying.issuer)
    Partner.update(state="suspended", suspension_level="read").where(Partner.id == cast.alice.partner_id).execute()
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).status_code == 303
    assert client.get("/sub-accounts/new").status_code in (303, 403)


def test_a_removed_member_leaves_the_account_free_for_a_new_one(client, app, cast, company, lying, acting):
    lying.claims["email"] = cast.bob.email
    company.set_up(lying.issuer)
    returned(client, lying.sign_in(begun(client, cast.bob.email)))
    team.remove(acting(cast.alice), app.settings, Member.get_by_id(cast.bob.id))
    assert not SsoLink.select().exists()


def test_the_second_factor_is_asked_for_unless_the_company_vouches_for_its_own(
    client, app, cast, company, lying, acting
):
    company.set_up(lying.issuer)
    with_app(acting(cast.alice), app.settings, cast.alice)
    lying.claims["amr"] = ["pwd", "mfa"]
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).location == "/login/second"
    assert not Session.select().exists()
    Sso.update(counts_second=True, acr_values="gold silver").execute()
    lying.claims["amr"] = ["pwd"]
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).location == "/login/second"
    lying.claims["acr"] = "silver"
    assert returned(client, lying.sign_in(begun(client, cast.alice.email))).location == "/home"
    assert Session.get().second_factor_at is not None


def test_members_of_the_domains_have_no_other_way_once_the_company_wants_it(client, app, cast, company, lying, acting):
    company.set_up(lying.issuer)
    returned(client, lying.sign_in(begun(client, cast.alice.email)))
    act = acting(cast.alice)
    sso.set_policy(act, app.settings, cast.alice, only_way=True, counts_second=False, acr_values="")
    client.post("/logout")
    page = client.post("/login", data={"email": cast.bob.email, "password": cast.password})
    assert page.status_code == 422 and "wants its own log-in" in unescape(page.text)
    wrong = client.post("/login", data={"email": cast.bob.email, "password": "not the right one"})
    assert "wants its own log-in" not in unescape(wrong.text)  # said after the right password only
    assert client.post("/login", data={"email": cast.alice.email, "password": cast.password}).location == "/home"
    Member.update(role="staff").where(Member.id == cast.alice.id).execute()
    Member.update(role="admin").where(Member.id == cast.bob.id).execute()
    other = app.test_client()  # whose password was to stay a way in is none to ask any more: every administrator's is
    assert other.post("/login", data={"email": cast.bob.email, "password": cast.password}).location == "/home"


def test_while_the_area_is_off_the_password_is_a_way_again(client, cast, company, lying, clock):
    company.set_up(lying.issuer)
    Sso.update(only_way=True, kept_by=cast.alice).execute()
    back = lying.sign_in(begun(client, cast.bob.email))
    switched_off(cast, clock.now(), "sso", cast.bob.partner)
    assert "Begin again" in refused(client, back)
    assert client.post("/login", data={"email": cast.bob.email, "password": cast.password}).location == "/home"


def test_the_answer_depends_on_the_domain_alone(client, cast, company, lying):
    company.set_up(lying.issuer)
    domain = cast.alice.email.rpartition("@")[2]
    pages = [
        re.sub(r"(state|nonce|code_challenge)=[^&\"]+|value=\"[^\"]+\"", "", page.text)
        for page in (client.post("/login/sso", data={"email": f"{name}@{domain}"}) for name in ("alice", "nobody"))
    ]
    assert pages[0] == pages[1]
    known = client.post("/login/sso", data={"email": cast.olga.email})
    unknown = client.post("/login/sso", data={"email": "nobody@elsewhere.example"})
    assert known.status_code == unknown.status_code == 422
    assert "no log-in of its own" in known.text and "no log-in of its own" in unknown.text


def test_nothing_secret_is_on_pages_in_logs_or_in_the_trail(client, cast, company, lying, caplog):
    caplog.set_level("DEBUG")
    company.set_up(lying.issuer)
    back = lying.sign_in(begun(client, cast.alice.email))
    code, state = (parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state"))
    lying.algorithm = "none"
    returned(client, back)
    for text in (caplog.text, client.get("/login/sso/failed").text, str(list(AuditEvent.select().dicts()))):
        for secret in (code, state, CLIENT_SECRET):
            assert secret not in text
    assert CLIENT_SECRET not in str(list(Sso.select().dicts())) and state not in str(list(SsoFlow.select().dicts()))


def test_who_is_signed_in_proves_it_at_the_company_afresh(client, cast, company, lying, clock):
    company.set_up(lying.issuer)
    returned(client, lying.sign_in(begun(client, cast.alice.email)))
    clock.advance(minutes=40)
    assert client.get("/company-log-in").location.startswith("/prove")
    assert "/prove/sso" in client.get("/prove").text
    now = int(clock.now().timestamp())
    lying.claims |= {"iat": now, "exp": now + 300, "auth_time": now - 2000}

    def prove() -> str:
        page = client.post("/prove/sso", data={"next": "/company-log-in"})
        where = unescape(re.search(r'href="(http://127[^"]+)" rel="noreferrer"', page.text)[1])
        assert "prompt=login" in where and "max_age=0" in where
        return returned(client, lying.sign_in(where)).location

    assert prove() == "/login/sso/failed"  # the provider asked nothing
    lying.claims |= {"auth_time": now, "sub": "somebody-else"}
    assert prove() == "/login/sso/failed"
    lying.claims["sub"] = "alice-there"
    assert prove() == "/company-log-in"
    assert client.get("/company-log-in").status_code == 200


def test_what_was_typed_is_still_there_after_a_log_in_this_way(client, cast, company, lying):
    company.set_up(lying.issuer)
    with client.own_session() as values:
        values["kept_form"] = "a-token-of-what-was-typed"
    returned(client, lying.sign_in(begun(client, cast.alice.email)))
    with client.own_session() as values:
        assert values["kept_form"] == "a-token-of-what-was-typed" and "company_log_in" not in values
