"""What the board says of a row that the storage service has not followed yet."""

from datetime import timedelta

import pytest

from models.sub_account import SubAccount
from tests.accounts import opened


@pytest.mark.parametrize(("reason", "words"), [("", "Being set up"), ("no_room", "Waits until another sub-account")])
def test_a_new_row_says_whether_it_waits_for_capacity(cast, client_as, settings, clock, reason, words):
    opened(cast, settings, clock.now(), phase="pending", observed_state="", observed_generation=0, key="pending")
    SubAccount.update(reason_code=reason).execute()
    assert words in client_as(cast.alice).get("/allocations/RCP-1001").text


def test_a_row_that_will_be_deleted_says_so_and_what_is_being_deleted_still_holds_its_part(
    cast, client_as, settings, clock
):
    waits, goes = (opened(cast, settings, clock.now(), name) for name in ("Adler", "Busch"))
    paused = {"wanted_state": "suspended", "phase": "suspended", "delete_after_at": clock.now() + timedelta(days=3)}
    SubAccount.update(**paused).where(SubAccount.id == waits.id).execute()
    page = client_as(cast.alice).get("/allocations/RCP-1001")
    assert "Paused, will be deleted" in page.text
    assert "being deleted still hold" not in page.text
    SubAccount.update(wanted_state="deleted", phase="deleting").where(SubAccount.id == goes.id).execute()
    page = client_as(cast.alice).get("/allocations/RCP-1001")
    assert "Sub-accounts that are being deleted still hold 1\u00a0TB" in page.text
    assert goes.number not in page.text
    assert "2\u00a0TB of 10\u00a0TB allocated" in page.text
