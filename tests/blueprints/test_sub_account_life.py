"""Pages on which a partner pauses, resumes, deletes and restores a sub-account, and what each state says."""

from datetime import timedelta

import pytest

from models.contract import Contract
from models.deletion import Deletion
from models.sub_account import AccessKey, SubAccount
from tests.accounts import TB, another_contract, opened

ACTS = ("pause", "resume", "delete", "restore")


@pytest.fixture
def account(cast, settings, clock):
    return opened(cast, settings, clock.now(), used_bytes=TB // 4, measured_at=clock.now())


@pytest.fixture
def alice(client_as, cast):
    return client_as(cast.alice)


def post(browser, account, way, **data):
    return browser.post(f"/sub-accounts/{account.number}/{way}", data=data)


def now(account) -> SubAccount:
    return SubAccount.get_by_id(account.id)


def shown(browser, account) -> str:
    answer = browser.get(f"/sub-accounts/{account.number}")
    assert answer.status_code == 200
    return answer.text.replace("\u00a0", " ")


def to_be_deleted(alice, account, **row) -> None:
    assert post(alice, account, "delete", typed=account.name).status_code == 303
    SubAccount.update(phase="suspended", observed_state="suspended", observed_generation=2, **row).execute()


def begun(alice, account, clock, **deletion) -> None:
    to_be_deleted(alice, account)
    SubAccount.update(wanted_state="deleted", phase="deleting", delete_after_at=None).execute()
    Deletion.update(started_at=clock.now(), **deletion).execute()


def test_pausing_says_first_what_happens_and_then_does_it(alice, account):
    page = alice.get(f"/sub-accounts/{account.number}/pause")
    assert page.status_code == 200
    assert "All keys are refused" in page.text and "allocation of 1\u00a0TB stays set aside" in page.text
    assert now(account).wanted_state == "active"
    answer = post(alice, account, "pause")
    assert (answer.status_code, answer.location) == (303, f"/sub-accounts/{account.number}")
    assert now(account).wanted_state == "suspended"
    page = shown(alice, account)
    assert "Being paused" in page and "as soon as the storage service has followed" in page
    assert f"/sub-accounts/{account.number}/resume" in page


def test_a_paused_one_says_since_when_and_by_whom_and_can_be_resumed(alice, account):
    post(alice, account, "pause")
    SubAccount.update(phase="suspended", observed_state="suspended", observed_generation=2).execute()
    page = shown(alice, account)
    assert "Paused since 2 Mar 2026" in page and "by Alice Adler" in page
    assert "Data, keys and allocation are kept." in page
    assert "Refused while paused" in page and "Works" not in page
    assert post(alice, account, "resume").status_code == 303
    assert now(account).wanted_state == "active"
    assert "Being resumed" in shown(alice, account)


def test_deleting_asks_for_the_name_and_says_until_when_it_can_be_restored(alice, account):
    page = alice.get(f"/sub-accounts/{account.number}/delete").text.replace("\u00a0", " ")
    for words in ("For 30 days you can restore", "From 1 Apr 2026", "allocation of 1 TB stays set aside", "250 GB"):
        assert words in page, words
    answer = post(alice, account, "delete", typed="Meier")
    assert answer.status_code == 422
    assert "This is not the name of this sub-account" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert post(alice, account, "delete").status_code == 422
    assert now(account).delete_after_at is None
    assert post(alice, account, "delete", typed="  müller gmbh ").status_code == 303
    assert now(account).delete_after_at is not None


def test_until_then_the_page_counts_down_and_offers_to_restore(client_as, cast, account, clock):
    to_be_deleted(client_as(cast.alice), account)
    clock.advance(days=18)
    alice = client_as(cast.alice)
    page = shown(alice, account)
    for words in (
        "Will be deleted on 1 Apr 2026",
        "12 days are left",
        "allocation of 1 TB stays set aside",
        "Paused, will be deleted",
    ):
        assert words in page, words
    assert f"/sub-accounts/{account.number}/delete" not in page
    assert alice.get(f"/sub-accounts/{account.number}/delete").status_code == 303
    assert (
        "Restore it first" in alice.post(f"/sub-accounts/{account.number}/resume", data={}, follow_redirects=True).text
    )
    assert post(alice, account, "restore").status_code == 303
    row = now(account)
    assert (row.wanted_state, row.delete_after_at) == ("active", None)


def test_one_that_waits_for_a_second_person_says_so(alice, account, clock):
    to_be_deleted(alice, account)
    Deletion.update(held_at=clock.now(), held_reason="many").execute()
    assert "It is due and waits, because many deletions came at once" in shown(alice, account)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("restored", "restored from a backup"),
        ("operator", "holds the deletion back"),
        ("partner", "Your company was not active"),
    ],
)
def test_one_that_is_held_back_says_why_and_promises_no_date(alice, account, clock, reason, words):
    to_be_deleted(alice, account)
    Deletion.update(held_at=clock.now(), held_reason=reason).execute()
    page = shown(alice, account)
    assert words in page and "Deletion held back, due on 1 Apr 2026" in page
    for wrong in ("It is due and waits", "days are left", "Will be deleted on"):
        assert wrong not in page, wrong
    address = alice.get(f"/sub-accounts/{account.number}").text
    assert f"/sub-accounts/{account.number}/restore" in address


def test_one_that_waits_for_an_operator_says_so(alice, account, clock):
    to_be_deleted(alice, account, paused_at=clock.now())
    page = shown(alice, account)
    assert "it does not begin before we have looked at this sub-account" in page
    assert "work again as soon as we have looked at this sub-account" in page


def test_one_that_is_restored_while_on_hold_is_not_said_to_have_access(alice, account, clock):
    to_be_deleted(alice, account, paused_at=clock.now())
    assert post(alice, account, "restore").status_code == 303
    page = shown(alice, account)
    assert "All keys stay refused until this is solved" in page and "Existing access goes on" not in page


def test_restoring_promises_what_will_happen(alice, account, cast, clock):
    another_contract(cast, clock.now())
    to_be_deleted(alice, account)
    assert "taken back, and the keys work again" in shown(alice, account)
    Contract.update(state="expired").where(Contract.number == "RCP-1001").execute()
    page = shown(alice, account)
    assert "stays paused, because its contract is not active" in page and "keys work again" not in page
    post(alice, account, "restore")
    assert now(account).wanted_state == "suspended"


def test_a_running_deletion_says_how_far_it_is_and_offers_nothing(alice, account, clock):
    begun(alice, account, clock, found_bytes=34 * TB // 10, found_objects=34, removed_bytes=12 * TB // 10)
    page = shown(alice, account)
    assert "1.2 TB of 3.4 TB removed. It ends irrevocably." in page
    assert "Being deleted" in page and "allocation of 1 TB stays set aside" in page
    for gone in ('id="life"', 'id="keys"', 'id="connection"'):
        assert gone not in page
    answer = alice.post(f"/sub-accounts/{account.number}/restore", data={}, follow_redirects=True)
    assert "can no longer be stopped or taken back" in answer.text
    assert now(account).wanted_state == "deleted"


def test_a_running_deletion_of_an_unknown_amount_says_what_is_removed(alice, account, clock):
    begun(alice, account, clock, removed_bytes=TB)
    page = shown(alice, account)
    assert "1 TB removed. It ends irrevocably." in page and " of " not in page.split("removed. It ends")[0][-20:]


def test_a_poll_of_a_running_deletion_gets_each_step_once(alice, account, clock):
    begun(alice, account, clock, found_bytes=3 * TB, found_objects=3)
    page = alice.get(f"/sub-accounts/{account.number}").text
    address = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert alice.get(address, htmx=True).status_code == 204
    Deletion.update(removed_bytes=TB).execute()
    answer = alice.get(address, htmx=True)
    assert "1\u00a0TB of 3\u00a0TB removed" in answer.text
    assert "hx-swap-oob" not in answer.text


def test_locked_objects_are_shown_with_their_date(alice, account, clock):
    begun(
        alice, account, clock, found_bytes=TB, found_objects=1, locked_until_at=clock.now() + timedelta(days=400)
    )  # fmt: skip
    assert "Some objects are locked until 6 Apr 2027" in shown(alice, account)


def test_a_deleted_one_shows_what_proves_it(alice, account, clock):
    begun(alice, account, clock, found_bytes=TB, found_objects=7, removed_bytes=TB, removed_objects=7)
    SubAccount.update(phase="deleted", observed_state="deleted", allocated_bytes=0).execute()
    AccessKey.update(phase="deleted", wanted="deleted", retained_ct=None).execute()
    Deletion.update(ended_at=clock.now()).execute()
    page = shown(alice, account)
    for words in ("NoSuchUser", account.remote_uid, "1 TB", "objects: 7", "by Alice Adler"):
        assert words in page, words
    assert account.number in alice.get("/sub-accounts?state=deleted").text
    assert account.number not in alice.get("/sub-accounts").text


def test_one_that_was_gone_before_says_who_confirmed_that(alice, account, clock):
    begun(alice, account, clock, gone_name="Olga Olsen")
    SubAccount.update(phase="deleted", observed_state="deleted", allocated_bytes=0).execute()
    AccessKey.update(phase="deleted", wanted="deleted", retained_ct=None).execute()
    Deletion.update(ended_at=clock.now()).execute()
    page = shown(alice, account)
    assert "gone before anything was removed; Olga Olsen" in page and "NoSuchUser" not in page
    assert "Everything was removed" not in page and "gone already" in page


def test_a_deletion_in_trouble_does_not_speak_of_existing_access(alice, account, clock):
    begun(alice, account, clock)
    SubAccount.update(phase="attention").execute()
    page = shown(alice, account)
    assert "We are looking at a problem" in page and "Deletion runs" in page
    assert "Existing access goes on" not in page


def test_staff_pauses_resumes_and_restores_but_does_not_delete(client_as, cast, account, alice):
    bob = client_as(cast.bob)
    assert post(bob, account, "pause").status_code == 303
    assert post(bob, account, "resume").status_code == 303
    assert bob.get(f"/sub-accounts/{account.number}/delete").status_code == 403
    assert post(bob, account, "delete", typed=account.name).status_code == 403
    assert f"/sub-accounts/{account.number}/delete" not in shown(bob, account)
    to_be_deleted(alice, account)
    assert post(bob, account, "restore").status_code == 303


@pytest.mark.parametrize("way", ACTS)
def test_nobody_else_changes_it(client_as, cast, account, way):
    assert post(client_as(cast.vera), account, way, typed=account.name).status_code == 403
    for stranger in (cast.charlie, cast.olga):
        assert post(client_as(stranger), account, way, typed=account.name).status_code == 404
    row = now(account)
    assert (row.wanted_state, row.generation, row.delete_after_at) == ("active", 1, None)
