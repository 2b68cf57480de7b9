"""The outbox on its pages."""

from datetime import timedelta

import pytest

from models.outbox import Mail
from tests.applicants import texts_of

LINK = "https://portal.example.com/reset/CANARY-token"


@pytest.fixture
def mails(cast, clock) -> dict[str, Mail]:
    now = clock.now()

    def mail(subject: str, **values) -> Mail:
        usual = {"template": "x", "recipient": "a@example.com", "text": f"Text of {subject}", "next_attempt_at": now}
        return Mail.create(subject=subject, created_at=now, **(usual | values))

    return {
        "sent": mail("Sent one", sent_at=now, attempts=1),
        "failed": mail(
            "Failed one", last_error="550 <no> such", attempts=4, next_attempt_at=now + timedelta(minutes=5)
        ),
        "waiting": mail("Waiting one"),
        "private": mail("Private one", private=True, text=LINK, html=f"<a href='{LINK}'>x</a>"),
    }


def subjects(page) -> list[str]:
    return texts_of(page, "tbody th")


def test_every_mail_is_listed_the_latest_first(cast, client_as, mails):
    page = client_as(cast.oscar).get("/admin/outbox")
    assert subjects(page) == ["Private one", "Waiting one", "Failed one", "Sent one"]
    assert "550 <no> such" in texts_of(page, "tbody tr")[2]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("failed", ["Failed one"]),
        ("waiting", ["Private one", "Waiting one"]),
        ("sent", ["Sent one"]),
        ("nonsense", ["Private one", "Waiting one", "Failed one", "Sent one"]),
    ],
)
def test_the_state_filters(cast, client_as, mails, state, expected):
    assert subjects(client_as(cast.oscar).get(f"/admin/outbox?state={state}")) == expected


def test_htmx_gets_the_rows_alone(cast, client_as, mails):
    answer = client_as(cast.oscar).get("/admin/outbox?state=sent", htmx=True)
    assert answer.text.lstrip().startswith('<div id="mails"')


def test_older_mails_come_on_the_next_page(cast, client_as, clock):
    now = clock.now()
    for number in range(60):
        Mail.create(
            template="x", recipient="a@example.com", subject=f"M{number}", text="x", created_at=now, next_attempt_at=now
        )
    first = client_as(cast.oscar).get("/admin/outbox")
    assert subjects(first) == [f"M{number}" for number in range(59, 9, -1)]
    second = client_as(cast.oscar).get("/admin/outbox", query_string={"before": Mail.get(Mail.subject == "M10").id})
    assert subjects(second) == [f"M{number}" for number in range(9, -1, -1)]


def test_an_empty_outbox_says_so(cast, client_as):
    assert "No mails here" in client_as(cast.oscar).get("/admin/outbox").text


def test_the_text_of_an_ordinary_mail_is_shown(cast, client_as, mails):
    page = client_as(cast.oscar).get(f"/admin/outbox/{mails['sent'].id}")
    assert texts_of(page, "#mail-text") == ["Text of Sent one"]


def test_the_text_of_a_private_mail_is_shown_to_nobody(cast, client_as, mails):
    for person in (cast.oscar, cast.olga):
        page = client_as(person).get(f"/admin/outbox/{mails['private'].id}")
        assert page.status_code == 200
        assert "CANARY" not in page.text
        assert "This text is not shown" in page.text
    assert "CANARY" not in client_as(cast.olga).get("/admin/outbox").text


def test_without_a_mail_server_the_page_says_where_mails_lie(cast, client_as, mails, settings):
    for address in ("/admin/outbox", f"/admin/outbox/{mails['private'].id}"):
        assert str(settings.mail_dir) in client_as(cast.oscar).get(address).text


def test_with_a_mail_server_no_folder_is_named(cast, make_app, mails, settings):
    browser = make_app(smtp_url="smtp://localhost:25").test_client()
    browser.sign_in(cast.oscar)
    assert str(settings.mail_dir) not in browser.get("/admin/outbox").text


def test_a_failed_mail_can_be_sent_again_at_once(cast, client_as, mails, clock):
    browser, own = client_as(cast.oscar), f"/admin/outbox/{mails['failed'].id}"
    assert browser.post(own + "/send-again").status_code == 303
    assert Mail.get_by_id(mails["failed"].id).next_attempt_at == clock.now()
    assert "The mail is due now" in browser.get(own).text


def test_a_sent_mail_is_not_sent_again(cast, client_as, mails):
    answer = client_as(cast.oscar).post(f"/admin/outbox/{mails['sent'].id}/send-again")
    assert answer.status_code == 422
    assert "This mail was sent on 2 Mar 2026" in answer.text
