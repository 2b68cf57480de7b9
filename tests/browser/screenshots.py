"""Makes the pictures of README: `python -m tests.browser.screenshots [name …]`, as `make screenshots` calls it.

The pages are served as in production and filled by the functions behind them; only what customers store and what the
picture shows of a secret is made up. Where the font Inter is installed (package fonts-inter), pictures are set in it.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from waitress import create_server

from models.base import database, open_database
from models.partner import Partner
from models.schema import migrate
from models.sub_account import AccessKey, Region, SubAccount
from portal import create_app
from services import sub_accounts, verification
from services.clock import FakeClock
from services.secret import Secret, Vault
from services.settings import read_settings
from services.storage.memory import MemoryStorage
from services.sub_accounts import SubAccountWish
from services.worker import open_site, round_of_work
from tests.applicants import answered, applicant
from tests.browser import pictured
from tests.browser_ground import OPTIONS, Portal, Visitor, chromium_path
from tests.cast import Cast, act_of, make_cast
from tests.postgres import free_port

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOST_BYTES = 250_000
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 780}
GB, TB = 10**9, 10**12
FAKE_KEY, FAKE_SECRET = "PPEXAMPLEKEY12345678", "EXAMPLE-secret-that-is-shown-only-once"


@dataclass(frozen=True)
class Sample:
    customer: str
    allocated_bytes: int
    used_bytes: int
    allow_overdraft: bool = False


SAMPLES = (
    Sample("Architekturbüro Lindqvist", 750 * GB, 412 * GB),
    Sample("Bäckerei Sonnenschein GmbH", 1200 * GB, 940 * GB),
    Sample("Hafenlogistik Petersen", 2500 * GB, 1860 * GB),
    Sample("Kanzlei Vogt & Partner", 600 * GB, 578 * GB),
    Sample("Müller & Söhne Maschinenbau KG", 2000 * GB, 2140 * GB, allow_overdraft=True),
    Sample("Praxis Dr. Weber", 500 * GB, 121 * GB),
    Sample("Stadtarchiv Lüneburg", 1000 * GB, 733 * GB),
    Sample("Weinkontor Hansen", 250 * GB, 0),  # has just been opened; its key waits
)
APPLICANTS = (
    ("Küstendaten e.K.", {"city": "Husum", "country": "DE"}),
    ("Fjord Backup AB", {"city": "Malmö", "country": "SE"}),
    ("Alpenwolke Systemhaus GmbH", {"city": "Innsbruck"}),
    ("Datenhafen Lübeck GmbH", {"city": "Lübeck", "country": "DE"}),
)
SANS = ("system-ui", "sans-serif", "sans", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "Arial")
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>{rules}</fontconfig>"""
RULE = """<match target="pattern"><test name="family"><string>{name}</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>"""


@contextmanager
def served(folder: Path) -> Iterator[tuple[Portal, Cast]]:
    """The portal with its sample data, on a clock that stands."""
    port, clock = free_port(), FakeClock(NOW - timedelta(days=3))
    settings = read_settings({"PORTAL_VAR_DIR": str(folder), "PORTAL_PORT": str(port), "STORAGE_REGION": "eu-central"})
    open_database(settings.database_url)
    migrate()
    app = create_app(settings, clock=clock)
    portal = Portal(settings.public_url, app, MemoryStorage())
    cast = make_cast(settings, clock.now())
    Region.update(endpoint="https://s3.example.com", s3_region="eu-central-1").execute()
    fill(portal, cast, clock)
    server = create_server(app, host="127.0.0.1", port=port, threads=4, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    yield portal, cast
    server.close()
    database.obj.close_all()


def fill(portal: Portal, cast: Cast, clock: FakeClock) -> None:
    """Sub-accounts that are used, one whose key waits, applications in the queue."""
    site = open_site(portal.app.settings, clock, portal.storage)
    Region.update(endpoint="https://s3.example.com", s3_region="eu-central-1").execute()
    for sample in SAMPLES:
        open_sub_account(portal, cast, clock, sample)
        clock.advance(hours=2)
        round_of_work(site, portal.app.settings)
    last, at = SubAccount.select().order_by(SubAccount.id.desc()).get(), AccessKey.created_at
    shown = {"revealed_at": at, "stored_at": at, "revealed_by": cast.alice.name}
    AccessKey.update(shown).where(AccessKey.sub_account != last).execute()
    for sample, account in zip(SAMPLES, SubAccount.select().order_by(SubAccount.id), strict=True):
        portal.storage.set_use(account.remote_uid, sample.used_bytes, objects=sample.used_bytes // 3_100_000)
    clock.advance(seconds=(NOW - timedelta(minutes=9) - clock.now()).total_seconds())
    round_of_work(site, portal.app.settings)
    apply(portal, cast, clock)
    clock.advance(seconds=(NOW - clock.now()).total_seconds())


def open_sub_account(portal: Portal, cast: Cast, clock: FakeClock, sample: Sample) -> SubAccount:
    wish = SubAccountWish(
        contract_number=cast.contract.number, region=cast.region.name, customer=sample.customer, name="",
        contact_name="Petra Sonne", contact_email="it@customer.example.com", billing="reserved",
        allocated_bytes=sample.allocated_bytes, allow_overdraft=sample.allow_overdraft, flow_down_reference="MSA-2026",
        flow_down_agreed_on=date(2026, 2, 1),
    )  # fmt: skip
    act = act_of(cast.alice, clock.now())
    return sub_accounts.create(act, portal.app.settings, cast.northwind, wish, f"picture-{sample.customer}"[:40])


def apply(portal: Portal, cast: Cast, clock: FakeClock) -> None:
    """One company answered a question, one was asked, two have just applied."""
    for number, (name, details) in enumerate(APPLICANTS):
        partner = applicant(clock.now() - timedelta(hours=7 * (len(APPLICANTS) - number)), name, **details)
        if number > 1:
            continue
        act = act_of(cast.olga, clock.now() - timedelta(hours=5 - number))
        (query,) = verification.query(act, portal.app.settings, partner.id, {"street": "Which number is right?"})
        if number == 0:
            answered(query, "Ring 9", clock.now())
            Partner.update(state="applied").where(Partner.id == partner.id).execute()


class Camera:
    """Takes pictures of real pages. Each picture is a method of its own, named like its file."""

    def __init__(self, browser: Browser, portal: Portal, cast: Cast):
        self.browser, self.portal, self.cast = browser, portal, cast

    def window(self, person, size: dict, scale: float) -> Visitor:
        context = self.browser.new_context(viewport=size, device_scale_factor=scale, locale="en-GB")
        visitor = Visitor(context, self.portal)
        if person is not None:
            visitor.sign_in(person)
        return visitor

    def board(self) -> Page:
        page = self.window(self.cast.alice, DESK, 1.5).open(f"/allocations/{self.cast.contract.number}")
        self._move(page)
        return page

    def board_phone(self) -> Page:
        page = self.window(self.cast.alice, PHONE, 2).open(f"/allocations/{self.cast.contract.number}")
        self._move(page)
        page.locator("[data-row]").nth(3).evaluate("row => scrollTo(0, row.offsetTop - 260)")
        return page

    def _move(self, page: Page) -> None:
        """Somebody shifts capacity to the firm that is nearly full, and has not saved yet."""
        for customer, amount in (("Kanzlei", "900"), ("Praxis", "300")):
            page.locator("[data-row]").filter(has_text=customer).locator("[data-amount]").fill(amount)
        page.locator("h1").click()
        expect(page.locator("[data-changed]").first).to_have_text("2")
        free = page.locator("[data-free]").inner_text()
        expect(page.locator("#board-remainder")).to_contain_text(free)

    def home(self) -> Page:
        return self.window(self.cast.alice, DESK, 1.5).open("/home")

    def list(self) -> Page:
        return self.window(self.cast.alice, DESK, 1.25).open("/sub-accounts")

    def queue(self) -> Page:
        return self.window(self.cast.olga, DESK, 1.5).open("/admin")

    def key(self) -> Page:
        """The pair of a new sub-account; what is shown as its secret is plainly an example."""
        account = SubAccount.select().order_by(SubAccount.id.desc()).get()
        sealed = Vault(self.portal.app.settings.data_keys).seal(Secret(FAKE_SECRET))
        pair = {"access_key_id": FAKE_KEY, "retained_ct": sealed}
        AccessKey.update(pair).where(AccessKey.sub_account == account).execute()
        page = self.window(self.cast.alice, DESK, 1.5).open(f"/sub-accounts/{account.number}")
        page.get_by_role("button", name="Show the key").click()
        expect(page.locator("[data-secret] code").first).to_have_text(FAKE_SECRET)
        page.locator("#keys summary").filter(has_text="Set up").first.click()
        page.evaluate("scrollTo(0, 0)")
        return page

    def sign_up_phone(self) -> Page:
        page = self.window(None, PHONE, 2).open("/sign-up/company")
        page.get_by_label("Company name").fill("Nordlicht IT GmbH")
        page.get_by_label("Country").select_option(label="Germany")
        return page

    def agree_phone(self) -> Page:
        return self.window(None, PHONE, 2).open(pictured.agreement(self.portal, self.cast, NOW))

    def document(self) -> Page:
        page = self.window(self.cast.olga, DESK, 1.5).open(pictured.draft(self.portal, self.cast))
        page.locator("ins").first.scroll_into_view_if_needed()
        return page

    def request(self) -> Page:
        return self.window(self.cast.olga, DESK, 1.5).open(pictured.request(self.portal, self.cast, NOW))


def main(names: list[str]) -> int:
    taken: dict[str, Callable] = {
        "board": Camera.board, "home": Camera.home, "board-phone": Camera.board_phone, "list": Camera.list,
        "queue": Camera.queue, "sign-up-phone": Camera.sign_up_phone, "key": Camera.key,
        "agree-phone": Camera.agree_phone, "document": Camera.document, "request": Camera.request,
    }  # fmt: skip
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="portal-pictures-") as folder, served(Path(folder)) as (portal, cast):
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(FONTS.format(rules="".join(RULE.format(name=name) for name in SANS)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium_path(), args=OPTIONS, env={**os.environ, "FONTCONFIG_FILE": str(fonts)}
            )
            camera = Camera(browser, portal, cast)
            for name in names or taken:
                page = taken[name](camera)
                path = PICTURES / f"{name}.png"
                page.screenshot(path=path, animations="disabled", caret="hide")
                assert path.stat().st_size < MOST_BYTES, f"{path.name} has {path.stat().st_size} bytes"
                page.context.close()
                print(path)  # noqa: T201 - a program for a terminal
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
