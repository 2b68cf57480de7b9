"""The queue of the operators."""

from datetime import timedelta

from models.drift import Drift
from models.outbox import Mail
from models.sub_account import Region, SubAccount
from services import one_by_one, verification
from tests.applicants import answered, applicant, sub_account, texts_of


def rows(page) -> list[str]:
    return texts_of(page, "tbody tr")


def test_an_empty_queue_says_what_will_appear_there(cast, client_as):
    page = client_as(cast.oscar).get("/admin")
    assert page.status_code == 200
    assert "Nothing waits for you" in page.text


def test_applications_stand_by_age_with_what_to_do_next(cast, client_as, clock):
    applicant(clock.now(), name="Younger AG")
    applicant(clock.now() - timedelta(days=3), name="Elder AG")
    found = rows(client_as(cast.olga).get("/admin"))
    assert ["Elder AG" in row for row in found] == [True, False]
    assert all("then approve, ask or refuse" in row for row in found)


def test_support_is_told_that_a_manager_decides(cast, client_as, clock):
    applicant(clock.now())
    assert "A manager decides" in rows(client_as(cast.oscar).get("/admin"))[0]


def test_an_application_that_waits_for_the_partner_stands_apart_until_it_is_answered(
    cast, client_as, acting, settings, clock
):
    partner = applicant(clock.now())
    (row,) = verification.query(acting(cast.oscar), settings, partner.id, {"city": "Which one?"})
    browser = client_as(cast.olga)
    waiting = browser.get("/admin")
    assert "Nothing waits for you" in waiting.text
    assert "Waits for 1 answer of the partner" in rows(waiting)[0]
    answered(row, "Graz", clock.advance(minutes=10))
    told = browser.get("/admin")
    assert "Waiting for the partner" not in told.text
    assert "Answered" in rows(told)[0]


def test_what_the_storage_service_does_not_follow_is_in_the_queue(cast, client_as, clock):
    late = sub_account(cast.contract, cast.region, clock.now() - timedelta(hours=1))
    sub_account(cast.contract, cast.region, clock.now(), "100000000002", public_id="b", remote_uid="b", name="In time")
    (row,) = rows(client_as(cast.oscar).get("/admin"))
    assert "Lovelace backup" in row
    assert late.number in row
    assert "try again" in row


def test_what_the_worker_gave_up_is_in_the_queue_before_its_deadline(cast, client_as, clock):
    sub_account(cast.contract, cast.region, clock.now(), phase="attention", reason_code="stranger")
    (row,) = rows(client_as(cast.oscar).get("/admin"))
    assert "Another account stands under this name" in row


def test_what_is_settled_is_not_in_the_queue(cast, client_as, clock):
    Region.update(scanned_at=clock.now()).execute()
    sub_account(cast.contract, cast.region, clock.now() - timedelta(days=1), phase="ready", observed_generation=1)
    assert SubAccount.get().settled
    assert "Nothing waits for you" in client_as(cast.oscar).get("/admin").text


def test_mails_that_failed_are_in_the_queue_and_waiting_ones_are_not(cast, client_as, clock):
    now = clock.now()
    for subject, error in (("Broken", "550 no such mailbox"), ("Fresh", "")):
        Mail.create(
            template="receipt",
            recipient="a@example.com",
            subject=subject,
            text="x",
            created_at=now,
            next_attempt_at=now,
            last_error=error,
        )
    (row,) = rows(client_as(cast.oscar).get("/admin"))
    assert "Broken" in row


def test_accounts_and_keys_that_nobody_made_here_are_in_the_queue_until_somebody_has_looked(cast, client_as, clock):
    row = sub_account(cast.contract, cast.region, clock.now(), phase="ready", observed_generation=1)
    seen = {"region": cast.region, "first_seen_at": clock.now(), "last_seen_at": clock.now()}
    key = Drift.create(
        kind="unknown_key", remote_uid="pp-b", sub_account=row, key_id="STRANGE", acted_at=clock.now(), **seen
    )
    Drift.create(kind="unknown_account", remote_uid="pp-nobody", **seen)
    Drift.create(kind="quota", remote_uid="pp-b", sub_account=row, **seen)  # the worker puts it right
    browser = client_as(cast.oscar)
    found = rows(browser.get("/admin"))
    assert [("STRANGE" in text, "pp-nobody" in text) for text in found] == [(True, False), (False, True)]
    assert "It is switched off" in found[0] and "Lovelace backup" in found[0]
    assert f'/admin/storage#finding-{key.id}"' in browser.get("/admin").text
    assert f'id="finding-{key.id}"' in browser.get("/admin/storage").text
    Drift.update(resolution="settled", resolved_at=clock.now()).execute()
    assert rows(browser.get("/admin")) == []


def test_the_number_of_questions_to_the_database_does_not_grow_with_the_queue(cast, client_as, clock, count_queries):
    browser = client_as(cast.oscar)
    counts = []
    for size in (1, 10):
        for number in range(size):
            applicant(clock.now(), name=f"Company {size} {number}")
        with count_queries() as queries:
            browser.get("/admin")
        counts.append(queries.count)
    assert counts[0] == counts[1]


def test_a_job_that_failed_waits_in_the_queue(cast, client_as, acting):
    def faulty():
        raise ValueError("with a value of somebody")

    one_by_one.tried(acting(), "notices about contracts", faulty, None)
    page = client_as(cast.olga).get("/admin").text
    assert "notices about contracts" in page and "tries again" in page and "with a value" not in page
