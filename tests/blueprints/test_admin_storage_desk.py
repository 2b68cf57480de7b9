"""Pages on which operators decide about stuck sub-accounts and about differences on the storage service."""

from datetime import timedelta

import pytest

from models.contract import Contract
from models.deletion import Deletion
from models.drift import Drift
from models.sub_account import Region, SubAccount
from services.provisioning_desk import fingerprint
from tests.applicants import TB, sub_account, texts_of

DECIDE = "/admin/storage/100000000001/decide"


@pytest.fixture
def stuck(cast, clock) -> SubAccount:
    Contract.update(allocated_bytes=TB).where(Contract.id == cast.contract.id).execute()
    return sub_account(
        cast.contract,
        cast.region,
        clock.now() - timedelta(hours=2),
        phase="attention",
        reason_code="edited",
        observed_state="active",
        observed_generation=1,
        in_force_bytes=2 * TB,
    )


@pytest.fixture
def finding(cast, clock, stuck) -> Drift:
    return Drift.create(
        region=cast.region, remote_uid=stuck.remote_uid, sub_account=stuck, kind="quota", there_bytes=3 * TB,
        wanted_bytes=TB, first_seen_at=clock.now(), last_seen_at=clock.now(),
    )  # fmt: skip


def sent(row: SubAccount, way: str, reason: str = "agreed") -> dict:
    return {"way": way, "reason": reason, "seen": fingerprint(SubAccount.get_by_id(row.id))}


def test_the_page_offers_what_fits_the_state(cast, client_as, stuck, finding):
    page = client_as(cast.olga).get(DECIDE)
    choices = " ".join(texts_of(page, "fieldset"))
    for words in ("Put on hold", "Take over the amount", "Go back to the amount"):
        assert words in choices
    assert "Let it go on" not in choices
    facts = " ".join(texts_of(page, ".facts"))
    assert "Allocation wanted1 TB" in facts.replace("\u00a0", " ")
    assert "Found on the storage service3 TB" in facts.replace("\u00a0", " ")


def test_the_end_of_a_deletion_whose_account_is_gone_is_confirmed(cast, client_as, clock, stuck):
    SubAccount.update(wanted_state="deleted", reason_code="gone").execute()
    at = clock.now()
    row = Deletion.create(
        sub_account=stuck, region=cast.region, asked_at=at, asked_by="member:1", asked_name="Alice Adler", started_at=at
    )
    olga = client_as(cast.olga)
    page = olga.get(DECIDE)
    assert "then ends the deletion" in page.text and "gone before its deletion removed anything" in page.text
    assert olga.post(DECIDE, data=sent(stuck, "end")).status_code == 303
    assert (Deletion.get_by_id(row.id).gone_name, SubAccount.get_by_id(stuck.id).phase) == ("Olga Olsen", "deleting")
    SubAccount.update(phase="attention", reason_code="unavailable").execute()
    assert "then ends the deletion" not in olga.get(DECIDE).text


def test_without_another_amount_nothing_can_be_taken_over(cast, client_as, stuck):
    SubAccount.update(in_force_bytes=None).execute()
    choices = " ".join(texts_of(client_as(cast.olga).get(DECIDE), "fieldset"))
    assert "Take over" not in choices
    assert "Go back" not in choices


def test_putting_on_hold_and_letting_go_on(cast, client_as, stuck, clock):
    browser = client_as(cast.olga)
    answer = browser.post(DECIDE, data=sent(stuck, "pause"))
    assert (answer.status_code, answer.location) == (303, "/admin/storage")
    assert SubAccount.get_by_id(stuck.id).paused_at == clock.now()
    page = browser.get("/admin/storage")
    assert "Lovelace backup is on hold" in page.text
    assert "On hold" in texts_of(page, "tbody tr")[0]
    assert browser.post(DECIDE, data=sent(stuck, "resume")).status_code == 303
    assert SubAccount.get_by_id(stuck.id).paused_at is None


def test_taking_over_the_amount_there_and_going_back(cast, client_as, stuck, finding):
    browser = client_as(cast.olga)
    assert browser.post(DECIDE, data=sent(stuck, "accept")).status_code == 303
    assert SubAccount.get_by_id(stuck.id).allocated_bytes == 3 * TB
    assert Contract.get_by_id(cast.contract.id).allocated_bytes == 3 * TB
    assert browser.post(DECIDE, data=sent(stuck, "cancel")).status_code == 303
    assert SubAccount.get_by_id(stuck.id).allocated_bytes == 2 * TB


def test_what_is_gone_can_be_made_anew_and_nothing_else_can(cast, client_as, stuck):
    browser = client_as(cast.olga)
    assert "anew" not in browser.get(DECIDE).text
    assert browser.post(DECIDE, data=sent(stuck, "anew")).status_code == 422
    SubAccount.update(reason_code="missing").execute()
    assert "nothing: it is gone" in browser.get(DECIDE).text
    assert "Needs attention" in " ".join(texts_of(browser.get("/admin/storage"), "section .toolbar"))
    assert "Make the account anew, empty" in " ".join(texts_of(browser.get(DECIDE), "fieldset"))
    assert browser.post(DECIDE, data=sent(stuck, "anew")).location == "/admin/storage"
    assert SubAccount.get().phase == "pending"
    assert "Tell the partner what happened to the data" in browser.get("/admin/storage").text


def test_a_decision_needs_a_way_and_a_reason(cast, client_as, stuck):
    answer = client_as(cast.olga).post(DECIDE, data={"seen": fingerprint(stuck)})
    assert answer.status_code == 422
    summary = " ".join(texts_of(answer, ".error-summary"))
    assert "Choose one." in summary
    assert "Write down why" in summary


def test_a_decision_about_an_older_state_is_refused_and_can_be_sent_again(cast, client_as, stuck):
    browser = client_as(cast.olga)
    answer = browser.post(DECIDE, data=sent(stuck, "pause") | {"seen": "old"})
    assert answer.status_code == 422
    assert "changed since you opened this page" in answer.text
    assert fingerprint(stuck) in answer.text


def test_a_refusal_of_the_allocation_is_told(cast, client_as, stuck, finding):
    Contract.update(reserved_bytes=2 * TB).where(Contract.id == cast.contract.id).execute()
    answer = client_as(cast.olga).post(DECIDE, data=sent(stuck, "accept"))
    assert answer.status_code == 422
    assert "more than the package holds" in " ".join(texts_of(answer, ".error-summary"))


def test_support_sees_but_does_not_decide(cast, client_as, stuck, finding):
    browser = client_as(cast.oscar)
    page = browser.get("/admin/storage")
    assert "/decide" not in page.text
    assert "/settle" not in page.text
    assert "Another quota" in page.text
    for path in (DECIDE, f"/admin/storage/findings/{finding.id}/settle"):
        assert browser.get(path).status_code == 403
        assert browser.post(path).status_code == 403


def test_what_is_in_order_needs_no_decision(cast, client_as, stuck):
    SubAccount.update(phase="ready").execute()
    browser = client_as(cast.olga)
    assert browser.get(DECIDE).location == "/admin/storage"
    assert "There is nothing to decide" in browser.get("/admin/storage").text
    assert browser.get("/admin/storage/999999999999/decide").status_code == 404


def test_a_finding_is_taken_off_the_list(cast, client_as, finding):
    browser = client_as(cast.olga)
    path = f"/admin/storage/findings/{finding.id}/settle"
    assert "Another quota" in browser.get(path).text
    assert browser.post(path).status_code == 422
    assert browser.post(path, data={"reason": "seen to"}).location == "/admin/storage"
    assert Drift.get_by_id(finding.id).resolution == "settled"
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("acted", [True, False])
def test_every_kind_of_finding_has_words_and_advice(cast, client_as, clock, acted):
    from models.drift import DRIFT_KINDS

    at = clock.now()
    for kind in DRIFT_KINDS:
        Drift.create(
            region=cast.region, remote_uid="pp-x", kind=kind, key_id="KEY" if "key" in kind else "",
            first_seen_at=at, last_seen_at=at, acted_at=at if acted else None,
        )  # fmt: skip
    rows = texts_of(client_as(cast.olga).get("/admin/storage"), "tbody tr")
    assert len(rows) == len(DRIFT_KINDS)
    assert sum("KEY" in row for row in rows) == 3


def test_the_health_of_a_region_is_told(cast, client_as, clock):
    page = client_as(cast.oscar).get("/admin/storage")
    assert "Last complete comparisonnot yet" in "".join(texts_of(page, ".facts"))
    Region.update(
        retry_at=clock.now() + timedelta(seconds=30), failing_since_at=clock.now(), scanned_at=clock.now(),
        scan_error="list: <no answer>",
    ).execute()  # fmt: skip
    page = client_as(cast.oscar).get("/admin/storage")
    assert "leaves it alone until" in page.text
    assert "The last comparison is not complete" in page.text
    assert "list: &lt;no answer&gt;" in page.text
    assert "Last complete comparison2 Mar 2026, 09:00" in "".join(texts_of(page, ".facts"))
