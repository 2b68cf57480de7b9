"""A barred company signs up again: it meets what everybody meets, and learns nothing."""

import re

import pytest

from models.outbox import Mail
from models.partner import Partner
from services import barred
from services.verification_sweep import sweep
from tests.applicants import applicant
from tests.blueprints.signing_up import COMPANY, PERSON, boxes, link_in, publish


@pytest.fixture(autouse=True)
def published(app, cast) -> None:
    publish(app)


def way_through(app, count_queries, company: dict, address: str) -> tuple[list, Partner]:
    """Every answer on the way to a received application: status, place, words, and how many questions the database
    was asked, which is what its time depends on."""
    browser, met = app.test_client(), []

    def meet(method: str, path: str, data: dict | None = None):
        with count_queries() as queries:
            answer = browser.open(path, method=method, data=data)
        words = re.sub(r'value="[^"]*"|csrf[^>]*|X-CSRFToken[^>]*', "", answer.text).replace(address, "ADDRESS")
        words = re.sub(r"/sign-up/confirm/[\w-]+", "LINK", words)
        for given in sorted(company.values(), key=len, reverse=True):
            words = words.replace(given, "GIVEN").replace(given.replace(" ", ""), "GIVEN")
        met.append(
            (path if "confirm" not in path else "link", answer.status_code, answer.location, words, queries.count)
        )
        return answer

    meet("POST", "/sign-up/company", company)
    meet("POST", "/sign-up/person", {**PERSON, "email": address})
    meet("POST", "/sign-up/terms", boxes(browser.get("/sign-up/terms").text))
    meet("GET", "/sign-up/sent")
    link = link_in(Mail.get(Mail.recipient == address, Mail.template == "sign_up_confirm"))
    meet("GET", link)
    meet("POST", link)
    meet("GET", "/application")
    return met, Partner.select().order_by(Partner.id.desc()).get()


def test_pages_mails_and_work_are_those_of_everybody(app, cast, acting, settings, clock, count_queries):
    first = applicant(
        clock.now(), "Tailspin Toys AG", "barred", country="DE", vat_id=COMPANY["vat_id"].replace(" ", "")
    )
    barred.remember(acting(cast.olga), first)
    other = {**COMPANY, "vat_id": "DE 129 273 398", "register_number": "HRB 9999"}
    theirs, free = way_through(app, count_queries, other, "frida@free.example.com")
    ours, known = way_through(app, count_queries, COMPANY, "dora@other.example.com")
    assert ours == theirs
    assert barred.matches(known, barred.SURE) == [first]
    assert barred.matches(free, barred.SURE) == []
    mails = {
        row.id: [mail.template for mail in Mail.select().where(Mail.recipient == row.members.get().email)]
        for row in (known, free)
    }
    assert mails[known.id] == mails[free.id]
    clock.advance(hours=60)
    sweep(acting(), settings)
    assert (Partner.get_by_id(known.id).state, Partner.get_by_id(free.id).state) == ("refused", "applied")
