"""What a closure looks like to those who did not ask for it: terminated partners, closed ones, operators."""

from datetime import UTC, date, datetime

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.change_request import ChangeRequest
from models.closure import Closure
from models.contract import Contract
from models.operator import Operator
from models.outbox import Mail
from models.partner import Partner
from models.terms import TermsVersion
from services import closing, closing_back, document_desk, document_publishing, leaving, measures
from services.measures import Wanted
from services.sweep import sweep
from tests.applicants import texts_of
from tests.cast import act_of, password_hash


@pytest.fixture
def go_to(settings, clock):
    def go(day: date) -> None:
        at = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
        clock.advance(seconds=(at - clock.now()).total_seconds())
        sweep(act_of(None, at), settings)

    return go


@pytest.fixture
def terminated(cast, acting, settings) -> Closure:
    measures.ask_termination(acting(cast.olga), cast.northwind.id, Wanted("unpaid", "Three invoices are open."))
    measures.confirm_termination(acting(cast.oscar), settings, cast.northwind.id)
    return Closure.get()


def links_of(page) -> list[str]:
    return [link.attributes["href"] for link in LexborHTMLParser(page.text).css("main a[href]")]


def main_of(page) -> str:
    return " ".join(" ".join(texts_of(page, "main")).split()).replace("\u00a0", " ")


def test_a_terminated_partner_reads_whom_to_write_to_and_has_no_button(cast, client_as, terminated):
    browser = client_as(cast.alice)
    page = browser.get("/leave")
    text = main_of(page)
    assert "/leave/withdraw" not in page.text
    assert "We have ended this." in text and "If the contract should go on, write to" in text
    assert "has ended this" in text and "Nobody else has to agree" not in text
    assert (
        "Until end of " in text and "00:00" not in text.split("Your account is being closed")[1].split("Announced")[0]
    )
    assert browser.post("/leave/withdraw").status_code == 303
    assert Closure.get().state == "notice"
    assert "did not ask for this closure" in browser.get("/leave").text


def test_an_operators_end_of_one_contract_is_not_taken_back_on_the_page(cast, client_as, acting, settings):
    closing.begin(
        acting(cast.olga), settings, cast.northwind, reason="breach", asked_by="operator:1",
        contract=Contract.get_by_id(cast.contract.id),
    )  # fmt: skip
    browser = client_as(cast.alice)
    assert "/leave/withdraw" not in browser.get("/leave").text
    assert browser.post("/leave/withdraw").status_code == 404
    assert Closure.get().state == "notice"


def test_staff_write_why_they_take_a_termination_back(cast, client_as, terminated):
    staff, address = client_as(cast.olga), f"/admin/closures/{terminated.public_id}"
    assert "Why it is taken back" in staff.get(address).text
    refused = staff.post(f"{address}/withdraw", data={"back-reason": ""})
    assert refused.status_code == 422 and texts_of(refused, "#back-reason-error")
    assert staff.post(f"{address}/withdraw", data={"back-reason": "They have paid."}).status_code == 303
    assert Closure.get().state == "withdrawn"


def test_a_closed_partner_finds_its_certificate_by_a_link(cast, client_as, go_to):
    browser = client_as(cast.alice)
    browser.post("/leave", data={"typed": cast.northwind.legal_name, "reason": ""})
    for day in (date(2026, 5, 2), date(2026, 6, 2), date(2026, 7, 3), date(2026, 7, 4)):
        go_to(day)
    assert Partner.get_by_id(cast.northwind.id).state == "closed"
    browser = client_as(cast.alice)
    page = browser.get("/application")
    assert "administrators also get the certificates of deletion" in page.text
    found = [link for link in links_of(page) if "/certificates/" in link]
    assert [browser.get(link).status_code for link in found] == [200, 200]
    assert "/certificates/" not in client_as(cast.vera).get("/application").text


def test_what_a_member_announces_or_takes_back_waits_in_the_queue_until_it_is_seen(cast, client_as):
    member, staff = client_as(cast.alice), client_as(cast.olga)
    member.post("/leave", data={"typed": cast.northwind.legal_name, "reason": "We leave"})
    assert "The partner has announced that it leaves" in staff.get("/admin").text
    address = f"/admin/closures/{Closure.get().public_id}"
    assert f'href="{address}"' in staff.get("/admin").text
    assert f"{address}/seen" in staff.get(address).text
    assert f"{address}/seen" not in client_as(cast.oscar).get(address).text
    assert client_as(cast.oscar).post(f"{address}/seen").status_code == 403
    assert client_as(cast.alice).post(f"{address}/seen").status_code == 404
    assert staff.post(f"{address}/seen").status_code == 303
    assert "has announced" not in staff.get("/admin").text
    assert f"{address}/seen" not in staff.get(address).text
    member.post("/leave/withdraw")
    assert "The partner has taken its closure back" in staff.get("/admin").text


def test_the_closure_stands_in_the_partners_requests(cast, client_as):
    browser = client_as(cast.alice)
    browser.post("/leave", data={"typed": cast.northwind.legal_name, "reason": ""})
    number = ChangeRequest.get().number
    page = main_of(browser.get("/requests"))
    assert number in page and "Announced" in page
    assert browser.get(f"/requests/{number}").status_code == 200
    assert client_as(cast.olga).get(f"/admin/requests/{number}").status_code == 200
    browser.post("/leave/withdraw")
    assert "Withdrawn" in main_of(browser.get("/requests"))


def test_a_closure_that_staff_take_back_names_nobody_of_them_in_the_requests(cast, client_as, acting, settings):
    leaving.announce(acting(cast.alice), settings, cast.northwind, "")
    closing_back.withdraw(acting(cast.olga), Closure.get(), settings)
    page = client_as(cast.alice).get(f"/requests/{ChangeRequest.get().number}")
    assert "Withdrawn" in page.text and "Olga" not in page.text


def test_a_request_closes_one_contract_and_everything_is_closed_elsewhere(cast, client_as):
    browser = client_as(cast.alice)
    assert "/leave" in links_of(browser.get("/requests/new"))
    page = browser.get("/requests/new/closure")
    assert "/leave" in links_of(page) and "Everything:" not in page.text
    sent = browser.post("/requests/new/closure", data={"contract": "", "reason": "We stop"})
    assert (sent.status_code, ChangeRequest.select().count()) == (422, 0)


def test_a_termination_says_when_the_account_is_closed_and_is_not_offered_twice(cast, client_as, terminated):
    staff, own = client_as(cast.olga), f"/admin/partners/{cast.northwind.id}"
    assert f"{own}/terminate" not in links_of(staff.get(own))
    assert f"{own.replace(str(cast.northwind.id), str(cast.contoso.id))}/terminate" in links_of(
        staff.get(f"/admin/partners/{cast.contoso.id}")
    )
    page = main_of(staff.get(f"/admin/partners/{cast.contoso.id}/terminate"))
    assert "Then the notice begins; the account is closed on 1 May 2026." in page


def test_a_draft_that_waits_for_approval_is_in_the_queue_of_those_who_may_approve(
    cast, client_as, acting, settings, clock
):
    other = Operator.create(
        name="Max Meyer", email="max@provider.example.com", email_key="max@provider.example.com", right="manager",
        password_hash=password_hash(), created_at=clock.now(),
    )  # fmt: skip
    draft = document_desk.begin(acting(cast.olga), settings, "portal_terms")
    TermsVersion.update(submitted_at=clock.now()).where(TermsVersion.id == draft.any.id).execute()
    assert document_publishing.may_not_approve(draft.any, cast.olga.id)
    page = client_as(other).get("/admin")
    assert "A draft waits for approval" in page.text and "/admin/documents/portal_terms/draft" in page.text
    for person in (cast.olga, cast.oscar):
        assert "A draft waits for approval" not in client_as(person).get("/admin").text


def test_overdue_terms_are_one_entry_of_the_queue(cast, client_as, clock):
    version = TermsVersion.get(TermsVersion.kind == "portal_terms", TermsVersion.language == "en")
    values = version.__data__ | {"id": None, "label": "9.0", "published_at": clock.now(), "effective_at": clock.now()}
    TermsVersion.create(**values)
    page = client_as(cast.oscar).get("/admin")
    assert "Terms that are overdue" in page.text and "/admin/overdue-terms" in page.text
    assert Mail.select().count() == 0
