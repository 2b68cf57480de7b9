"""The page on which a second administrator agrees to many deletions."""

import pytest

from models.deletion import Deletion
from models.partner import Member
from services import policy, sub_account_life
from tests import accounts


@pytest.fixture
def waits(cast, settings, clock, acting) -> Deletion:
    """The second deletion of a day, of a partner whose administrators have one alone."""
    policy.change(acting(cast.olga), {"deletions_alone": 1})
    for name in ("Adler AG", "Berg AG"):
        account = accounts.opened(cast, settings, clock.now(), name)
        sub_account_life.delete(acting(cast.alice), settings, cast.northwind, account.number, name)
    return Deletion.get(Deletion.second_wanted_at.is_null(False))


@pytest.fixture
def bob(cast) -> Member:
    Member.update(role="admin").where(Member.id == cast.bob.id).execute()
    return Member.get_by_id(cast.bob.id)


def test_a_second_administrator_agrees_on_a_page(cast, client_as, waits, bob):
    browser = client_as(bob)
    assert "1 deletion waits for you to agree" in browser.get("/home").text
    page = browser.get("/sub-accounts/deletions").text
    assert "Berg AG" in page and "Adler AG" not in page
    assert browser.post("/sub-accounts/deletions", data={}).status_code == 422
    assert browser.post("/sub-accounts/deletions", data={"chosen": waits.id}).status_code == 303
    assert Deletion.get_by_id(waits.id).second_by == f"member:{bob.id}"
    assert browser.post("/sub-accounts/deletions", data={"chosen": waits.id}).status_code == 422
    assert "Nothing waits" in browser.get("/sub-accounts/deletions").text


def test_whoever_asked_is_told_that_somebody_else_has_to(cast, client_as, waits, bob):
    browser = client_as(cast.alice)
    assert "somebody else has to agree" in browser.get("/sub-accounts/deletions").text
    assert browser.post("/sub-accounts/deletions", data={"chosen": waits.id}).status_code == 422
    assert "a second administrator has to agree" in browser.get(f"/sub-accounts/{waits.sub_account.number}").text
    assert Deletion.get_by_id(waits.id).second_at is None


def test_others_do_not_agree(cast, client_as, waits):
    for person, status in ((cast.vera, 403), (cast.bob, 403), (cast.olga, 404)):
        assert client_as(person).get("/sub-accounts/deletions").status_code == status
    foreign = client_as(cast.charlie)
    assert "Berg AG" not in foreign.get("/sub-accounts/deletions").text
    assert foreign.post("/sub-accounts/deletions", data={"chosen": waits.id}).status_code == 422
