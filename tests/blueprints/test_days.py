"""Days are those of the provider's calendar: half an hour before midnight in UTC it is tomorrow in Berlin."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from models.outbox import Mail
from models.partner import Member, Partner
from services import confirmation, notice_mails
from tests.cast import act_of
from tests.notices import published
from tests.services.flow_downs import Agreements
from tests.services.ground import Ground

LATE = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 3 March, 00:30 in Berlin


@pytest.fixture
def late(clock, settings) -> datetime:
    assert settings.provider.time_zone == "Europe/Berlin"
    clock.advance(seconds=(LATE - clock.now()).total_seconds())
    return clock.now()


def todos(page) -> list[str]:
    found = re.findall(r'<ul class="todo">.*?</ul>', page.text, re.DOTALL)[0]
    return [" ".join(re.sub("<[^>]+>", " ", line).split()) for line in found.split("</li>") if "until" in line]


def test_what_is_to_be_done_names_the_provider_s_days(client_as, cast, settings, clock, late):
    agreements = Agreements(Ground(cast, settings, clock))
    clock.advance(days=-2)
    account = agreements.opened("Müller GmbH", "attested")
    clock.advance(days=2)
    agreements.publish("2.0")
    due_at = late + timedelta(days=8)
    Partner.update(details_asked_at=late, details_due_at=due_at).where(Partner.id == cast.northwind.id).execute()
    alice = client_as(cast.alice)
    assert todos(alice.get("/home")) == [
        "Confirm that your company&#39;s details are still right until 11 Mar 2026",
        "1 customer to renew the terms with until 2 May 2026",
    ]
    assert "There is time until 2 May 2026" in alice.get(f"/sub-accounts/{account.number}").text
    page = client_as(cast.oscar).get(f"/admin/partners/{cast.northwind.id}/end-customers")
    assert "1 customer until 2 May 2026" in page.text


def test_what_is_due_at_midnight_names_the_day_before(client_as, cast, late):
    due_at = datetime(2026, 3, 10, 23, 0, tzinfo=UTC)
    Partner.update(details_asked_at=late, details_due_at=due_at).where(Partner.id == cast.northwind.id).execute()
    (line,) = todos(client_as(cast.alice).get("/home"))
    assert line.endswith("until 10 Mar 2026")


def test_the_home_page_and_the_mail_name_the_same_day(client_as, cast, settings, late):
    long_ago = late - timedelta(days=200)
    Partner.update(decided_at=long_ago, details_confirmed_at=long_ago).execute()
    confirmation.ask_due(act_of(None, late), settings)
    (line,) = todos(client_as(cast.alice).get("/home"))
    day = re.search(r"until (\d+ \w+ \d+)", line)[1]
    assert day == "2 Apr 2026" and any(day in mail.text for mail in Mail.select())


@pytest.mark.parametrize(("last_on", "open_"), [(date(2026, 3, 2), False), (date(2026, 3, 3), True)])
def test_access_ends_with_the_provider_s_day(client_as, client, cast, settings, late, last_on, open_):
    browser = client_as(cast.bob)
    Member.update(access_until_on=last_on).where(Member.id == cast.bob.id).execute()
    assert browser.get("/home").status_code == (200 if open_ else 303)
    answer = client.post("/login", data={"email": cast.bob.email, "password": cast.password})
    assert answer.status_code == (303 if open_ else 422)
    published(cast, late, important=True)
    while notice_mails.send_due(act_of(None, late), settings):
        pass
    told = {mail.recipient for mail in Mail.select().where(Mail.template == "notice")}
    assert cast.alice.email in told and (cast.bob.email in told) == open_
