"""What the board says of a row that the storage service has not followed yet."""

import pytest

from models.sub_account import SubAccount
from tests.accounts import opened


@pytest.mark.parametrize(("reason", "words"), [("", "Being set up"), ("no_room", "Waits until another sub-account")])
def test_a_new_row_says_whether_it_waits_for_capacity(cast, client_as, settings, clock, reason, words):
    opened(cast, settings, clock.now(), phase="pending", observed_state="", observed_generation=0, key="pending")
    SubAccount.update(reason_code=reason).execute()
    assert words in client_as(cast.alice).get("/allocations/RCP-1001").text
