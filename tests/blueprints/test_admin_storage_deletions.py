"""What operators see of deletions, and who lets those begin that were held back."""

import re
from datetime import timedelta

import pytest

from models.deletion import Deletion
from models.operator import Operator
from models.sub_account import SubAccount
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
            sub_account=account, region=cast.region, held_at=clock.now(), held_reason="many",
            asked_by=f"member:{cast.alice.id}", **asked,
        )  # fmt: skip
        rows.append(row)
    return rows


@pytest.fixture
def address(cast) -> str:
    return f"/admin/storage/deletions/{cast.region.id}"


def sent(held, reason="spoke with Alice") -> dict:
    return {"reason": reason, "chosen": [deletion.id for deletion in held]}


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


def ticked(page) -> list[int]:
    return [int(found) for found in re.findall(r'name="chosen" value="(\d+)" checked', page.text)]


def test_only_those_that_are_ticked_are_released(cast, client_as, held, address):
    olga = client_as(cast.olga)
    assert ticked(olga.get(address)) == [held[0].id, held[1].id]
    answer = olga.post(address, data=sent(held[1:], reason=""))
    assert answer.status_code == 422 and ticked(answer) == [held[1].id]
    answer = olga.post(address, data=sent([]))
    assert answer.status_code == 422 and "Choose at least one deletion." in answer.text
    assert olga.post(address, data=sent(held[1:])).status_code == 303
    assert [row.released_at is not None for row in Deletion.select().order_by(Deletion.id)] == [False, True]


def test_one_that_waits_no_more_is_not_released(cast, client_as, held, address):
    Deletion.delete().where(Deletion.id == held[0].id).execute()
    for chosen in (held, ["x"]):
        data = {"reason": "spoke", "chosen": [getattr(one, "id", one) for one in chosen]}
        assert client_as(cast.olga).post(address, data=data).status_code == 422
    assert Deletion.select().where(Deletion.released_at.is_null(False)).count() == 0


def test_the_page_says_why_each_is_held_back_and_when_it_is_due(cast, client_as, clock, held, address):
    SubAccount.update(delete_after_at=clock.now() + timedelta(days=25)).where(
        SubAccount.id == held[0].sub_account_id
    ).execute()
    Deletion.update(held_reason="restored").where(Deletion.id == held[0].id).execute()
    first, second = texts_of(client_as(cast.olga).get(address), "tbody tr")
    assert "27 Mar 2026" in first and "restored from a backup" in first
    assert "due now" in second and "More were due within an hour" in second


@pytest.fixture
def asked(held, clock) -> str:
    """The number of one that was asked for and is neither due nor held back."""
    Deletion.update(held_at=None, held_reason="").where(Deletion.id == held[0].id).execute()
    row = SubAccount.get_by_id(held[0].sub_account_id)
    SubAccount.update(delete_after_at=clock.now() + timedelta(days=12)).where(SubAccount.id == row.id).execute()
    return row.number


def test_an_operator_sees_what_was_asked_for_and_holds_it_back(cast, client_as, held, asked):
    olga, address = client_as(cast.olga), f"/admin/storage/{asked}/hold-deletion"
    page = olga.get("/admin/storage")
    assert "Asked for in embedded, not begun" in page.text and address in page.text
    assert "14 Mar 2026" in page.text
    assert address not in client_as(cast.oscar).get("/admin/storage").text
    assert "Alice Adler" in olga.get(address).text
    assert olga.post(address, data={"reason": ""}).status_code == 422
    answer = olga.post(address, data={"reason": "Alice has left them"})
    assert (answer.status_code, answer.location) == (303, "/admin/storage")
    assert Deletion.get_by_id(held[0].id).held_reason == "operator"
    page = olga.get("/admin/storage")
    assert "is held back until somebody releases it" in page.text and "not begun" not in page.text
    answer = olga.post(address, data={"reason": "once more"})
    assert answer.status_code == 422 and "is held back already" in answer.text


def test_only_managers_and_owners_hold_back(cast, client_as, held, asked):
    address = f"/admin/storage/{asked}/hold-deletion"
    assert client_as(cast.oscar).post(address, data={"reason": "no"}).status_code == 403
    assert client_as(cast.alice).post(address, data={"reason": "no"}).status_code == 404
    assert client_as(cast.olga).get("/admin/storage/100000000009/hold-deletion").status_code == 404
    assert Deletion.get_by_id(held[0].id).held_at is None


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
