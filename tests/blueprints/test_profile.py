"""A member's own page: details, a new mail address with two mails, a link for a new password."""

import re

import pytest

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner import Member
from services import profile
from tests.applicants import texts_of

FORM = {
    "name": "Bob Brandt",
    "job_title": "Purchasing",
    "person_phone": "+49 30 1234567",
    "locale": "en",
    "time_zone": "Europe/Berlin",
}


def bob(cast) -> Member:
    return Member.get_by_id(cast.bob.id)


def save(browser, cast, **changes):
    return browser.post("/profile", data={**FORM, "seen": profile.worded(bob(cast)), **changes})


def link(address: str) -> str:
    mail = Mail.get(Mail.template == "mail_change", Mail.recipient == address)
    return re.search(r"/profile/mail/[\w-]+", mail.text)[0]


def ask(browser, cast, address: str = "bob@new.example.com", password: str | None = None):
    return browser.post("/profile/mail", data={"email": address, "password": password or cast.password})


def test_own_details_are_changed_and_on_the_trail(cast, client_as):
    browser = client_as(cast.bob)
    assert save(browser, cast, name="Bob Brand", locale="de", time_zone="America/New_York").status_code == 303
    row = bob(cast)
    assert (row.name, row.locale, row.time_zone, row.job_title) == ("Bob Brand", "de", "America/New_York", "Purchasing")
    event = AuditEvent.get(AuditEvent.action == "member.changed")
    assert event.before == {"name": "Bob Brandt", "locale": "en", "time_zone": "Europe/Berlin"}
    assert event.after == {"name": "Bob Brand", "locale": "de", "time_zone": "America/New_York"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"person_phone": "12"}, "person_phone"),
        ({"locale": "xx"}, "locale"),
        ({"time_zone": "Mars/X"}, "time_zone"),
    ],
)
def test_what_cannot_be_right_is_said_beside_its_field(cast, client_as, changes, field):
    page = save(client_as(cast.bob), cast, **changes)
    assert page.status_code == 422
    assert texts_of(page, f"#{field}-error")


def test_of_two_open_pages_the_second_is_told_and_keeps_what_was_typed(cast, client_as):
    browser, old = client_as(cast.bob), profile.worded(bob(cast))
    save(browser, cast, job_title="Sales")
    late = save(browser, cast, name="Robert Brandt", seen=old)
    assert late.status_code == 409
    assert 'value="Robert Brandt"' in late.text
    assert bob(cast).name == "Bob Brandt"


def test_a_new_mail_address_counts_when_its_link_is_opened_and_the_old_one_is_told(cast, client_as, client):
    old = cast.bob.email
    assert ask(client_as(cast.bob), cast).status_code == 303
    assert bob(cast).email == old
    page = client.get(link("bob@new.example.com"))
    assert "bob@new.example.com" in page.text
    assert bob(cast).email == old  # looking changes nothing: mail scanners open links
    assert client.post(link("bob@new.example.com")).status_code == 303
    assert (bob(cast).email, bob(cast).email_key, bob(cast).wanted_email) == (*["bob@new.example.com"] * 2, "")
    assert "bob@new.example.com" in Mail.get(Mail.template == "mail_changed", Mail.recipient == old).text
    assert client.post(link("bob@new.example.com")).status_code == 410


def test_a_changed_mail_address_ends_the_sessions_but_that_which_confirms(cast, client_as):
    here, elsewhere = client_as(cast.bob), client_as(cast.bob)
    ask(here, cast)
    assert elsewhere.get("/home").status_code == 200
    assert here.post(link("bob@new.example.com")).status_code == 303
    assert (here.get("/home").status_code, elsewhere.get("/home").status_code) == (200, 303)
    assert client_as(cast.alice).get("/home").status_code == 200


def test_the_password_is_asked_for(cast, client_as):
    page = ask(client_as(cast.bob), cast, password="something else")
    assert page.status_code == 422
    assert texts_of(page, "#password-error")
    assert not Mail.select().exists()


def test_an_address_that_has_a_log_in_looks_like_any_other(cast, client_as):
    """Whoever types an address learns nothing from the page; its owner gets a mail."""
    browser = client_as(cast.bob)
    free = ask(browser, cast, "free@new.example.com")
    taken = ask(browser, cast, cast.charlie.email)
    assert (free.status_code, free.location) == (taken.status_code, taken.location)
    assert Mail.get(Mail.recipient == cast.charlie.email).template == "sign_up_known"
    assert bob(cast).wanted_email == cast.charlie.email


def test_an_address_that_got_a_log_in_meanwhile_is_not_taken_over(cast, client_as, client):
    ask(client_as(cast.bob), cast)
    Member.update(email="bob@new.example.com", email_key="bob@new.example.com").where(
        Member.id == cast.charlie.id
    ).execute()
    assert client.post(link("bob@new.example.com")).status_code == 410
    assert bob(cast).email == cast.bob.email


def test_a_link_to_the_old_address_ends_with_it(cast, client_as, client):
    browser = client_as(cast.bob)
    browser.post("/profile/password")
    reset = re.search(r"/password/reset/[\w-]+", Mail.get(Mail.template == "password_reset").text)[0]
    ask(browser, cast)
    client.post(link("bob@new.example.com"))
    assert client.get(reset).status_code == 410


def test_the_old_address_is_told_already_when_a_change_is_asked_for(cast, client_as):
    """Whether or not the new one has a log-in: the mail says no more than the page does."""
    browser = client_as(cast.bob)
    for wanted in ("bob@new.example.com", cast.charlie.email):
        ask(browser, cast, wanted)
    told = list(Mail.select().where(Mail.template == "mail_change_asked").order_by(Mail.id))
    assert [mail.recipient for mail in told] == [cast.bob.email] * 2
    assert "bob@new.example.com" in told[0].text and cast.charlie.email in told[1].text
    assert "/password/forgot" in told[0].text and "/profile/mail/" not in told[0].text


def test_a_new_password_cancels_a_change_of_the_mail_address(cast, client_as, client):
    """Whoever got into the log-in must not come back by the link that waits at an address of theirs."""
    browser = client_as(cast.bob)
    ask(browser, cast)
    browser.post("/profile/password")
    reset = re.search(r"/password/reset/[\w-]+", Mail.get(Mail.template == "password_reset").text)[0]
    assert client.post(reset, data={"password": "a quite different phrase"}).status_code == 303
    assert client.post(link("bob@new.example.com")).status_code == 410
    assert (bob(cast).email, bob(cast).wanted_email) == (cast.bob.email, "")


def test_a_new_mail_address_signs_out_every_other_device(cast, client_as):
    own, other, colleague = client_as(cast.bob), client_as(cast.bob), client_as(cast.vera)
    ask(own, cast)
    own.post(link("bob@new.example.com"))
    assert own.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 303
    assert colleague.get("/profile").status_code == 200


def test_a_new_mail_address_confirmed_elsewhere_signs_out_every_device(cast, client_as, client):
    own = client_as(cast.bob)
    ask(own, cast)
    client.post(link("bob@new.example.com"))
    assert own.get("/profile").status_code == 303


def test_a_wrong_link_is_not_found_and_a_stranger_has_no_profile(cast, client, client_as):
    assert client.get("/profile/mail/" + "a" * 43).status_code == 404
    assert client.get("/profile").status_code == 303
    assert client_as(cast.olga).get("/profile").status_code == 404


def test_own_details_stay_correctable_whatever_the_company_may_do(cast, client_as):
    cast.northwind.state = "suspended"
    cast.northwind.save()
    browser = client_as(cast.bob)
    assert browser.get("/profile").status_code == 200
    assert save(browser, cast, name="Bob Brand").status_code == 303
