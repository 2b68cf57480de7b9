"""Signing up with plain requests, as a browser without scripts does."""

import re

import pytest

from models.partner import Member, Partner, SignUpDraft
from models.terms import Acceptance, TermsVersion
from tests.blueprints.signing_up import COMPANY, PASSWORD, PERSON, boxes, fill_in, link_in, mails, publish, sign_up


@pytest.fixture(autouse=True)
def published(app) -> None:
    publish(app)


def test_a_stranger_signs_up_from_the_first_page_to_the_confirmed_application(client):
    assert "/sign-up" in client.get("/").text
    start = client.get("/sign-up")
    assert start.location == "/sign-up/company"
    assert client.get(start.location).status_code == 200
    company = client.post("/sign-up/company", data=COMPANY)
    assert (company.status_code, company.location) == (303, "/sign-up/person")
    assert client.get("/sign-up/person").status_code == 200
    person = client.post("/sign-up/person", data=PERSON)
    assert (person.status_code, person.location) == (303, "/sign-up/check")
    check = client.get("/sign-up/check").text
    assert "Fabrikam Süd GmbH &amp; Co. KG" in check and "DE136695976" in check and "80331 München" in check
    agreed = client.post("/sign-up/terms", data=boxes(client.get("/sign-up/terms").text))
    assert (agreed.status_code, agreed.location) == (303, "/sign-up/sent")
    assert "Dora.Dietz@fabrikam.example.com" in client.get("/sign-up/sent").text
    link = link_in(mails("sign_up_confirm")[0])
    assert Partner.get().state == "draft"
    assert "Confirm and send the application" in client.get(link).text
    assert Partner.get().state == "draft"
    confirmed = client.post(link)
    assert (confirmed.status_code, confirmed.location) == (303, "/application")
    partner = Partner.get()
    assert (partner.state, partner.vat_id, partner.postcode, partner.phone) == (
        "applied",
        "DE136695976",
        "80331",
        "+49891234567",
    )
    assert "We are checking your application" in client.get("/application").text
