"""What operators see of deletions, and who lets those begin that were held back."""

from datetime import timedelta

import pytest

from models.deletion import Deletion
from models.operator import Operator
from models.sub_account import SubAccount
from services import deletion_guard
from tests.accounts import TB, opened
from tests.applicants import texts_of


@pytest.fixture
def held(cast, settings, clock) -> list[Deletion]:
    """Two that are due and held back, asked for by Alice."""
    rows = []
    for name in ("Adler", "Busch"):
        account = opened(cast, settings, clock.now(), name, used_bytes=TB // 2, measured_at=clock.now())
        SubAccount.update(wanted_state="suspended", delete_after_at=clock.now()).execute()
        asked = {"asked_at": clock.now() - timedelta(days=30), "asked_name": "Alice Adler"}
        row = Deletion.create(
            sub_account=account, region=cast.region, held_at=clock.now(), asked_by=f"member:{cast.alice.id}", **asked
        )  # fmt: skip
        rows.append(row)
    return rows


@pytest.fixture
def address(cast) -> str:
    return f"/admin/storage/deletions/{cast.region.id}"


def sent(held, reason="spoke with Alice") -> dict:
    return {"reason": reason, "seen": deletion_guard.seen(held)}


def test_what_is_held_back_stands_in_the_queue_and_on_the_storage_page(cast, client_as, held, address):
    olga = client_as(cast.olga)
    assert "2 deletions wait for a second operator" in olga.get("/admin").text
    page = olga.get("/admin/storage")
    assert "Waiting for a second operator in embedded" in page.text
    assert address in page.text
    page = client_as(cast.oscar).get("/admin/storage")
    assert "2 deletions are held back" in page.text
    assert address not in page.text


def test_a_second_person_looks_and_releases(cast, client_as, held, address):
    olga = client_as(cast.olga)
    rows = texts_of(olga.get(address), "tbody tr")
    assert len(rows) == 2
    assert all("Alice Adler" in row and "Northwind" in row and "500 GB" in row for row in rows)
    answer = olga.post(address, data=sent(held))
    assert (answer.status_code, answer.location) == (303, "/admin/storage")
    assert [row.released_name for row in Deletion.select()] == ["Olga Olsen"] * 2
    assert "2 deletions are released" in olga.get("/admin/storage").text
    assert olga.get(address).status_code == 303


def test_a_reason_is_needed_and_another_batch_is_refused(cast, client_as, held, address):
    olga = client_as(cast.olga)
    assert olga.post(address, data=sent(held, reason="")).status_code == 422
    answer = olga.post(address, data=sent(held[:1]))
    assert answer.status_code == 422
    assert "Other deletions wait here by now" in answer.text
    assert Deletion.select().where(Deletion.released_at.is_null(False)).count() == 0
    assert deletion_guard.seen(held) in answer.text  # so that the next try can succeed


def test_whoever_asked_for_one_does_not_release_it(cast, client_as, held, address):
    Deletion.update(asked_by=f"operator:{cast.olga.id}").where(Deletion.id == held[1].id).execute()
    answer = client_as(cast.olga).post(address, data=sent(held))
    assert answer.status_code == 422
    assert "Somebody else has to release them" in answer.text
    other = Operator.get_by_id(cast.oscar.id)
    other.right = "manager"
    other.save()
    assert client_as(other).post(address, data=sent(held)).status_code == 303


def test_only_managers_and_owners_release(cast, client_as, held, address):
    assert client_as(cast.oscar).get(address).status_code == 403
    assert client_as(cast.oscar).post(address, data=sent(held)).status_code == 403
    assert client_as(cast.alice).post(address, data=sent(held)).status_code == 404
    assert client_as(cast.olga).get("/admin/storage/deletions/99").status_code == 404
    assert Deletion.select().where(Deletion.released_at.is_null(False)).count() == 0


def test_running_deletions_show_how_far_they_are_and_what_holds_them_up(cast, client_as, clock, held):
    SubAccount.update(wanted_state="deleted", phase="deleting", delete_after_at=None).execute()
    begun = {"started_at": clock.now(), "released_at": clock.now(), "released_by": "operator:1"}
    Deletion.update(**begun, found_bytes=3 * TB, found_objects=9, removed_bytes=TB).execute()
    Deletion.update(locked_until_at=clock.now() + timedelta(days=9)).where(Deletion.id == held[1].id).execute()
    page = client_as(cast.oscar).get("/admin/storage")
    first, second = texts_of(page, "tbody tr")
    assert "1 TB of 3 TB" in first and "page by page" in first
    assert "Objects are locked until 11 Mar 2026" in second
    (facts,) = texts_of(page, ".facts")
    assert "Pending changesnone" in facts
