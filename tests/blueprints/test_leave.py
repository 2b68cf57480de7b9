"""Closing the account on its page: what happens, beginning, taking back, certificate; and what staff see of it."""

from datetime import UTC, date, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.closure import Closure
from models.contract import Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.partner import Member, Partner
from models.sub_account import Region, SubAccount
from services import closing
from services.sweep import sweep
from tests.cast import TB, act_of

NAME = "Northwind Traders GmbH"


@pytest.fixture
def go_to(settings, clock):
    def go(day: date) -> None:
        at = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
        clock.advance(seconds=(at - clock.now()).total_seconds())
        sweep(act_of(None, at), settings)

    return go


@pytest.fixture
def make_member(clock):
    """A member who has accepted nothing."""

    def make(partner: Partner, name: str, role: str) -> Member:
        email = f"{name.split()[0].lower()}@{partner.public_id}.example.com"
        return Member.create(
            public_id=email,
            partner=partner,
            name=name,
            email=email,
            email_key=email,
            role=role,
            password_hash="",
            email_confirmed_at=clock.now(),
            created_at=clock.now(),
        )

    return make


def text_of(page) -> str:
    return " ".join(LexborHTMLParser(page.text).css_first("main").text().split()).replace("\u00a0", " ")


def begin(browser, typed: str = NAME, **more):
    return browser.post("/leave", data={"typed": typed, "reason": "We leave"}, **more)


def removed(cast, clock, account: SubAccount) -> None:
    """The worker has removed everything."""
    deletion = Deletion.get(Deletion.sub_account == account)
    deletion.started_at = deletion.seen_at = deletion.ended_at = clock.now()
    deletion.removed_bytes, deletion.removed_objects = 5, 1
    deletion.save()
    SubAccount.update(wanted_state="deleted", phase="deleted").where(SubAccount.id == account.id).execute()


def test_an_administrator_announces_and_takes_back(cast, client_as, opened):
    opened("Adler AG", TB)
    browser = client_as(cast.alice)
    page = text_of(browser.get("/leave"))
    assert "What happens, and who decides" in page and "your contracts end on" in page and "30 days" in page
    assert begin(browser).status_code == 303
    assert begin(browser).status_code == 303  # twice sent, once begun
    (closure,) = Closure.select()
    assert (closure.state, closure.reason, closure.asked_by) == ("notice", "We leave", f"member:{cast.alice.id}")
    page = text_of(browser.get("/leave"))
    assert "Your account is being closed" in page and "Announce the closure" not in page
    assert "Your account will be closed." in text_of(browser.get("/home"))
    assert browser.post("/leave/withdraw").status_code == 303
    assert Closure.get().state == "withdrawn"
    assert "Announce the closure" in text_of(browser.get("/leave"))
    assert [mail.recipient for mail in Mail.select().where(Mail.template == "closure")] == [cast.alice.email] * 2


def test_a_wrong_name_closes_nothing(cast, client_as):
    page = begin(client_as(cast.alice), "Northwind")
    assert page.status_code == 422 and "This is not the name of your company" in page.text
    assert not Closure.select().exists()
    assert begin(client_as(cast.alice), "northwind traders gmbh").status_code == 303


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("vera", 403), ("olga", 404)])
def test_only_administrators_close(cast, client_as, who, status):
    browser = client_as(getattr(cast, who))
    assert browser.get("/leave").status_code == status
    assert begin(browser).status_code == status
    assert browser.post("/leave/withdraw").status_code == status
    assert not Closure.select().exists()


def test_nothing_to_take_back_is_not_found(cast, client_as):
    assert client_as(cast.alice).post("/leave/withdraw").status_code == 404


def test_through_the_whole_time_the_page_is_open_and_the_rest_is_not(cast, client_as, opened, go_to, clock):
    account = opened("Adler AG", TB)
    Region.update(hard_quota="immediate").execute()
    browser = client_as(cast.alice)
    begin(browser)
    go_to(date(2026, 5, 2))
    browser = client_as(cast.alice)
    page = text_of(browser.get("/leave"))
    assert "access is closed" in page
    assert browser.get("/sub-accounts").location == "/application"
    assert 'href="/leave"' in browser.get("/application").text
    assert browser.get("/your-data/company.zip").status_code == 200
    go_to(date(2026, 6, 2))
    assert SubAccount.get_by_id(account.id).read_only
    go_to(date(2026, 7, 3))
    browser = client_as(cast.alice)
    assert "It can no longer be taken back" in text_of(browser.get("/leave"))
    browser.post("/leave/withdraw")
    assert Closure.get().state == "purging"
    removed(cast, clock, account)
    go_to(date(2026, 7, 4))
    closure = Closure.get()
    assert (closure.state, Partner.get_by_id(cast.northwind.id).state) == ("closed", "closed")
    browser = client_as(cast.alice)
    pdf = browser.get(f"/leave/certificates/{closure.public_id}/pdf")
    assert pdf.status_code == 200 and pdf.data.startswith(b"%PDF-")
    told = browser.get(f"/leave/certificates/{closure.public_id}/json").json
    assert [line["number"] for line in told["accounts"]] == [account.number]
    assert client_as(cast.charlie).get(f"/leave/certificates/{closure.public_id}/pdf").status_code == 404
    staff = client_as(cast.oscar)
    assert staff.get(f"/admin/closures/{closure.public_id}/certificate/json").json == told


def test_who_has_not_agreed_to_the_terms_can_still_leave(cast, client_as, make_member):
    newcomer = make_member(cast.northwind, "Nina Neu", "admin")
    browser = client_as(newcomer)
    assert browser.get("/home").status_code == 303
    assert browser.get("/leave").status_code == 200


def test_a_contract_that_ended_leaves_exports_and_says_what_helps(cast, client_as, opened, go_to):
    opened("Adler AG", TB)
    Contract.update(ends_on=date(2026, 3, 31)).where(Contract.number == "RCP-1001").execute()
    browser = client_as(cast.alice)
    assert "Contract RCP-1001 ends" in text_of(browser.get("/home"))
    go_to(date(2026, 4, 1))
    browser = client_as(cast.alice)
    assert browser.get("/sub-accounts").location == "/application"
    assert "Your contract has ended" in text_of(browser.get("/application"))
    text = text_of(browser.get("/leave"))
    assert "End of contract RCP-1001" in text and "If the contract should go on, write to" in text


def test_staff_see_all_closures_and_what_holds_them_up(cast, client_as, opened, go_to, acting, settings):
    account = opened("Adler AG", TB)
    Contract.update(ends_on=date(2026, 4, 30)).where(Contract.number == "RCP-2001").execute()
    closure = closing.begin(acting(cast.alice), settings, cast.northwind, reason="x", asked_by="member:1")
    staff = client_as(cast.olga)
    text = text_of(staff.get("/admin/closures"))
    assert NAME in text and "RCP-2001" in text and "Notice" in text
    for day in (date(2026, 5, 2), date(2026, 6, 2), date(2026, 7, 3)):
        go_to(day)
    Deletion.update(held_at=datetime(2026, 7, 3, tzinfo=UTC), held_reason="partner").execute()
    staff = client_as(cast.olga)
    assert "1 waits for a second person" in text_of(staff.get("/admin/closures"))
    page = text_of(staff.get(f"/admin/closures/{closure.public_id}"))
    assert account.name in page and "0 of 1 removed" in page
    assert client_as(cast.alice).get("/admin/closures").status_code == 404


def test_staff_let_a_step_end_elsewhere_and_take_back(cast, client_as, acting, settings):
    closure = closing.begin(acting(cast.alice), settings, cast.northwind, reason="x", asked_by="member:1")
    address = f"/admin/closures/{closure.public_id}"
    staff = client_as(cast.olga)
    page = staff.post(
        f"{address}/end", data={"last_on": "2026-03-01", "reason": "agreed", "looked": closing.seen(Closure.get())}
    )
    assert page.status_code == 422 and "Choose a later day" in page.text
    assert staff.post(f"{address}/end", data={"last_on": "soon", "reason": ""}).status_code == 422
    assert (
        staff.post(
            f"{address}/end", data={"last_on": "2026-03-10", "reason": "agreed", "looked": closing.seen(Closure.get())}
        ).status_code
        == 303
    )
    assert Closure.get().notice_until_at == datetime(2026, 3, 10, 23, tzinfo=UTC)
    assert client_as(cast.oscar).post(f"{address}/withdraw").status_code == 403
    assert staff.post(f"{address}/withdraw").status_code == 303
    assert Closure.get().state == "withdrawn"
    assert staff.get("/admin/closures/nothing").status_code == 404


def test_staff_open_one_sub_account_for_fetching_data(cast, client_as, opened, go_to):
    account = opened("Adler AG", TB)
    Contract.update(ends_on=date(2026, 3, 31)).where(Contract.number == "RCP-1001").execute()
    go_to(date(2026, 4, 1))
    address = f"/admin/closures/{Closure.get().public_id}"
    staff = client_as(cast.olga)
    assert "This service cannot be kept from storing more" in text_of(staff.get(address))
    assert staff.post(f"{address}/open/{account.number}").status_code == 303
    assert SubAccount.get_by_id(account.id).read_only
    staff.post(f"{address}/open/{account.number}")
    assert "is open already" in text_of(staff.get(address)) or "is open already" in staff.get(address).text
    assert staff.post(f"{address}/open/000000000001").status_code == 404
