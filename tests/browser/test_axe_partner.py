"""Every page and state that a partner's people see: no finding of axe, nothing small or cut off."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from models.contract import Contract
from models.sub_account import AccessKey, HandOver, Region, SubAccount
from services import trusted_devices
from tests.accounts import TB, many, opened
from tests.browser.eyes import Eyes
from tests.browser.rotating import new_secret, set_up
from tests.cast import act_of
from tests.notices import published, switched_off
from tests.services.factors import with_app, with_passkey

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-partner")]

GB = 10**9
BOARD = "/allocations/RCP-1001"
CHECK = "#board > .board-actions .button-primary"
NEW = {
    "customer": "Bäckerei Sonne",
    "contact_name": "Petra Sonne",
    "contact_email": "petra@sonne.example.com",
    "billing": "reserved",
    "allocation": "2 TB",
    "overdraft": "no",
    "reference": "MSA-2026",
    "agreed_on": "2026-02-01",
}


@pytest.fixture
def three(cast, portal, clock) -> list[SubAccount]:
    """A full package: one is full, one waits for its storage, one has a problem."""
    at, settings = clock.now(), portal.app.settings
    return [
        opened(cast, settings, at, "Anna Apotheke", allocated_bytes=6 * TB, used_bytes=5 * TB, measured_at=at),
        opened(
            cast, settings, at, "Bert Bau", allocated_bytes=3 * TB, used_bytes=3 * TB, measured_at=at, writable=False
        ),
        opened(cast, settings, at, "Carl Cafe", allocated_bytes=TB, phase="attention", observed_generation=0),
    ]


def fill_rows(seen: Eyes, *amounts: str) -> None:
    for field, amount in zip(seen.page.locator("[data-amount]").all(), amounts, strict=False):
        field.fill(amount)


def test_home(eyes, cast, three):
    Contract.update(used_bytes=8 * TB, measured_at=cast.contract.created_at).execute()
    seen = eyes(cast.alice)
    seen.open("/home", "home, full")
    seen.page.locator(".account-menu summary").click()
    seen.look("home, account menu open")
    eyes(cast.vera).open("/home", "home of a viewer")
    charlie = eyes(cast.charlie)
    charlie.open("/home", "home, no sub-accounts")
    Contract.delete().where(Contract.partner == cast.contoso).execute()
    charlie.open("/home", "home, no contract")
    charlie.open("/allocations", "board, no contract")
    charlie.open("/sub-accounts/new", "new sub-account, no contract")


def test_opening_a_sub_account(eyes, cast, portal, work):
    seen = eyes(cast.alice)
    seen.open("/sub-accounts", "list, empty")
    seen.open("/sub-accounts/new", "new sub-account")
    seen.send("new sub-account, nothing entered", "#new-sub-account [type=submit]")
    seen.enter(**(NEW | {"allocation": "20 TB"}))
    seen.page.locator("[name=agreed]").check()
    seen.send("new sub-account, too much", "#new-sub-account [type=submit]")
    seen.page.locator("details summary.button").first.click()
    seen.look("new sub-account, terms unfolded")
    seen.enter(**NEW)
    seen.send("being set up", "#new-sub-account [type=submit]")
    work()
    expect(seen.page.locator("#state .badge-good")).to_be_visible()
    seen.look("set up while being watched")
    seen.page.locator("#keys form[action$='/reveal'] button").click()
    expect(seen.page.locator("[data-secret]").first).to_be_visible()
    for summary in seen.page.locator("#keys summary").all():
        summary.click()
    seen.look("first key shown")
    seen.page.locator("#keys .actions button").click()
    expect(seen.page.locator("[data-secret]")).to_have_count(0)
    seen.look("first key stored")


def test_the_key_page_without_scripts(eyes, cast, portal, clock):
    account = opened(cast, portal.app.settings, clock.now())
    seen = eyes(cast.alice)
    seen.visitor.open(f"/sub-accounts/{account.number}")
    with seen.page.expect_navigation():
        seen.page.evaluate("document.querySelector('#keys form').submit()")  # as a browser does without scripts
    expect(seen.page.locator("[data-secret]").first).to_be_visible()
    seen.look("first key on a page of its own")


def test_one_sub_account_in_every_state(eyes, cast, portal, clock, three):
    seen = eyes(cast.alice)
    anna, bert, carl = three
    for account in three:
        seen.open(f"/sub-accounts/{account.number}", f"sub-account of {account.name}")
    seen.page.locator("#connection summary").first.click()
    seen.look("sub-account, text for a program unfolded")
    for phase in ("pending", "provisioning", "updating", "waiting_capacity", "suspended"):
        SubAccount.update(phase=phase, observed_generation=0).where(SubAccount.id == anna.id).execute()
        seen.open(f"/sub-accounts/{anna.number}", f"sub-account, {phase}")
    seen.open(f"/sub-accounts/{bert.number}/edit", "edit")
    seen.enter(name="", contact_email="nobody")
    seen.send("edit, refused", "#edit-sub-account [type=submit]")
    Region.update(hard_quota="delayed", quota_delay_seconds=3).execute()
    seen.open(f"/sub-accounts/{carl.number}", "sub-account, quota held by the worker")


def test_the_list_and_the_usage(eyes, cast, clock, three):
    many(cast, clock.now(), 60)
    seen = eyes(cast.alice)
    seen.open("/sub-accounts", "list, many")
    seen.page.locator("[rel=next]").click()
    expect(seen.page.locator("[rel=prev]")).to_be_visible()
    seen.look("list, second page")
    seen.open("/sub-accounts?q=nobody", "list, nothing found")
    seen.open("/sub-accounts?fill=full", "list, full ones")
    seen.open("/usage", "usage")
    seen.open("/usage?first=2026-03-01&last=2026-02-01", "usage, refused", 422)
    seen.open("/usage?first=2020-03-01&last=2020-03-02", "usage, nothing measured")
    eyes(cast.vera).open("/sub-accounts", "list of a viewer")


def test_the_board(eyes, cast, three):
    seen = eyes(cast.alice)
    seen.open(BOARD, "board")
    fill_rows(seen, "5", "4", "1")
    expect(seen.page.locator(".board-row.changed")).to_have_count(2)
    seen.look("board, two rows changed")
    fill_rows(seen, "8", "two")
    expect(seen.page.locator(".board-row.invalid")).to_have_count(2)
    seen.look("board, too much and unreadable")
    seen.send("board, refused by the server", CHECK)
    fill_rows(seen, "6", "2", "2")
    seen.send("check, below the use", CHECK)
    seen.send("check, without a choice", "#check [value=save]")
    seen.page.locator("[name^=below-]").check()
    seen.send("board, saved, being applied and with undo", "#check [value=save]")
    SubAccount.update(phase="waiting_capacity").where(SubAccount.id == three[0].id).execute()
    SubAccount.update(phase="suspended").where(SubAccount.id == three[1].id).execute()
    seen.open(BOARD, "board, waiting and paused rows")
    eyes(cast.vera).open(BOARD, "board of a viewer")


def test_a_board_that_others_changed(eyes, cast, three):
    seen = eyes(cast.alice)
    seen.visitor.open(BOARD)
    fill_rows(seen, "5.5")
    Contract.update(version=Contract.version + 1, allocated_bytes=9 * TB).where(
        Contract.id == cast.contract.id
    ).execute()
    SubAccount.update(allocated_bytes=5 * TB).where(SubAccount.id == three[0].id).execute()
    expect(seen.page.locator("#board-remainder .board-warning")).to_be_visible()
    seen.look("board, others changed it meanwhile")
    seen.send("board, conflict", CHECK)
    Contract.update(state="expired").execute()
    seen.open(BOARD, "board of a contract that is over")


def test_a_board_of_many_rows(eyes, cast, clock, portal):
    many(cast, clock.now(), 60, allocated_bytes=10 * GB, used_bytes=9 * GB)
    other = cast.contract
    other.id, other.public_id, other.number = None, "second", "RCP-1002"
    other.starts_on += timedelta(days=1)
    other.save(force_insert=True)
    seen = eyes(cast.alice)
    seen.open("/allocations", "boards of two contracts")
    seen.open(BOARD, "board, many rows")
    fill_rows(seen, "11")
    seen.send("board, second page with a change carried", "[name=page]")
    seen.open(f"{BOARD}?q=nobody", "board, nothing found")
    seen.open("/allocations/RCP-1002", "board, empty")


def test_replacing_a_key(eyes, cast, portal, work):
    account = set_up(cast, portal, work)
    seen, keys = eyes(cast.alice), "#keys form[action$='/{}'] button"
    path = f"/sub-accounts/{account.number}"
    seen.open(path, "keys, before the replacement")
    seen.send("keys, being made", keys.format("replace"))
    work()
    expect(seen.page.locator("#keys form[action$='/hand-over']")).to_be_visible()
    seen.look("keys, new one can be shown")
    seen.page.locator(keys.format("reveal")).click()
    expect(seen.page.locator("[data-secret]").first).to_be_visible()
    seen.look("keys, new one shown")
    seen.open(path, "keys, new one was shown")
    seen.page.locator(keys.format("hand-over")).click()
    new_secret(seen.page)
    seen.look("keys, link")
    seen.open(path, "keys, link is open")
    seen.page.locator(keys.format("off")).first.click()
    seen.look("keys, old one being switched off")
    work()
    seen.open(path, "keys, old one is off")
    seen.page.locator("#keys summary").last.click()
    seen.look("keys, deletion unfolded")
    AccessKey.update(phase="attention").where(AccessKey.origin == "rotation").execute()
    seen.open(path, "keys, new one is gone from the storage")
    AccessKey.update(phase="live", revealed_at=None, reveal_until_at=portal.app.clock.now()).where(
        AccessKey.origin == "rotation"
    ).execute()
    HandOver.delete().execute()
    seen.open(path, "keys, new one not shown in time")


def test_handing_a_key_over(eyes, cast, portal, work):
    account = set_up(cast, portal, work)
    page = eyes(cast.alice)
    page.visitor.open(f"/sub-accounts/{account.number}")
    page.page.locator("#keys form[action$='/replace'] button").click()
    work()
    page.page.locator("#keys form[action$='/hand-over'] button").click()
    link = new_secret(page.page).removeprefix(portal.url)
    theirs = eyes(None)
    theirs.open(link, "hand-over, before the button")
    theirs.send("hand-over, key shown")
    for summary in theirs.page.locator("main summary").all():
        summary.click()
    theirs.look("hand-over, texts for programs unfolded")
    theirs.open(link, "hand-over, used", 410)
    theirs.open("/hand-over/" + "x" * 43, "hand-over, unknown", 404)


def test_what_home_and_the_list_say_about_keys(eyes, cast, portal, work, clock):
    account = set_up(cast, portal, work)
    opened(cast, portal.app.settings, clock.now(), "Bert Bau")
    AccessKey.update(created_at=clock.now() - timedelta(days=400)).where(AccessKey.sub_account == account).execute()
    seen = eyes(cast.alice)
    seen.open("/home", "home, keys that are old, in use and waiting")
    for state in ("waiting", "first", "old"):
        seen.open(f"/sub-accounts?key={state}", f"list, keys that are {state}")
        expect(seen.page.locator("tbody tr")).to_have_count(1)
    seen.open(f"/sub-accounts/{account.number}", "keys, an old one")


def test_notices_and_what_is_off(eyes, cast, clock):
    seen = eyes(cast.alice)
    seen.open("/notices", "notices, none")
    notice = published(cast, clock.now(), asks=True, blocks=("allocation",))
    published(cast, clock.now(), pinned=True)
    switched_off(cast, clock.now(), "usage")
    switched_off(cast, clock.now(), "keys", from_at=clock.now() + timedelta(days=1), announced=True)
    seen.open("/home", "home, with banners")
    seen.open("/notices", "notices")
    seen.open(f"/notices/{notice.id}?next=/allocations", "notice that comes first")
    seen.open("/usage", "what is switched off", 403)


def test_log_ins_and_security_reports(eyes, cast, three):
    stranger = eyes(None)
    stranger.open("/security/report", "security report of a stranger")
    stranger.send("security report, nothing entered")
    seen = eyes(cast.alice)
    seen.open("/security/sessions", "own log-ins")
    seen.open("/session/form", "no form is kept")
    seen.open("/security/reports", "no security reports")
    seen.open("/security/report", "security report of an administrator")
    seen.page.locator("[name=kind]").first.check()
    seen.enter(text="Somebody was here.")
    seen.send("security report, sent")
    seen.open("/security/reports", "security reports")


def test_second_factors(eyes, cast, portal, clock):
    seen, settings = eyes(cast.alice), portal.app.settings
    seen.open("/security", "security, nothing set up")
    seen.open("/security/set-up", "choice of a second factor")
    seen.open("/security/app", "setting an app up")
    seen.send("setting an app up, nothing entered", "form[action='/security/app'] [type=submit]")
    seen.open("/security/passkeys/new", "a new passkey")
    with_app(act_of(cast.alice, clock.now()), settings, cast.alice)
    with_passkey(act_of(cast.alice, clock.now()), settings, cast.alice, "Work laptop")
    clock.advance(minutes=2)
    trusted_devices.trust(act_of(cast.alice, clock.now()), cast.alice, "Firefox · Linux")
    seen = eyes(cast.alice)
    seen.open("/security", "security, with everything")
    seen.open("/security/app/remove", "removing an app")
    seen.open("/security/lost", "lost second factor")
    seen.page.goto(f"{portal.url}/security")
    seen.send("new recovery codes", "form[action='/security/codes'] [type=submit]")
    clock.advance(minutes=31)
    seen.open("/prove?next=/security", "step-up by factor")
    bob = eyes(cast.bob)
    clock.advance(minutes=31)
    bob.open("/prove?next=/security", "step-up by password")
    stranger = eyes(None)
    stranger.open("/login", "log-in with passkeys")
    stranger.enter(email=cast.alice.email, password=cast.password)
    stranger.send("second half of the log-in", "form[action='/login'] [type=submit]")


def test_people_of_the_team(eyes, cast):
    seen = eyes(cast.alice)
    seen.open("/team", "team")
    seen.open("/team/invite", "invite somebody")
    seen.send("invite somebody, nothing entered", "#invite-form [type=submit]")
    seen.enter(email="eve@example.com")
    seen.send("team, with an open invitation", "#invite-form [type=submit]")
    seen.open("/team/bob", "access of a member")
    seen.open("/team/bob/remove", "remove a member")
    seen.open("/team/leave", "leave the company")
    eyes(cast.vera).open("/team", "team of a viewer")
