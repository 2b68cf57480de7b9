"""Every flow is walked with marked secrets, with all loggers at DEBUG and faults forced on the way; then whatever was
written down or sent is searched for the marks (threats.md 9)."""

import contextlib
import logging
import re
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from models.audit import AuditEvent
from models.base import database, empty_log
from models.outbox import Mail
from models.sub_account import AccessKey
from services import (
    access_keys,
    backup,
    hand_over,
    log_in,
    passwords,
    promises_desk,
    rekey,
    start_up,
    worker,
)
from services.secret import Secret, Vault
from services.storage import Credentials, open_storage
from tests.accounts import SECRET, opened
from tests.blueprints.signing_up import PASSWORD as NEW_MEMBERS
from tests.blueprints.signing_up import link_in, mails, sign_up
from tests.blueprints.test_key_rotation import Desk
from tests.postgres import free_port
from tests.security.watching import Watch

LOST = "CANARY-password-that-somebody-else-uses"
CHOSEN = "CANARY seven otters juggle quietly"
OPERATORS = "CANARY nine badgers whistle slowly"
# Where a mark may stand, and why. What is not here may stand nowhere.
IN_ANSWERS = {
    "S3 secret": r"/reveal\?$|^POST /hand-over/",  # the one answer that shows it
    "hand-over token": r"/hand-over",  # the page that gives the link, and the pages of the link
    "sign-up token": r"/sign-up/confirm/",  # the form of the link's own page
    "reset token": r"/password/reset/",
    "set-up token": r"/operator/setup/",
}


class Walk:
    """All flows, one after the other."""

    def __init__(self, watch, app, cast, settings, clock, client_as):
        self.watch, self.app, self.cast, self.settings, self.clock = (
            watch,
            app,
            cast,
            settings,
            clock,
        )
        self.desk = Desk(cast, settings, clock, watch.browser(client_as(cast.alice)))
        self.watch.mark("session cookie of Alice", self.token_of(self.desk.browser))

    def browser(self):
        return self.watch.browser(self.app.test_client())

    def token_of(self, browser) -> str:
        with browser.own_session() as values:
            return values["_user_id"]

    def everything(self) -> None:
        self.sign_up()
        self.log_in()
        self.forgotten_password()
        self.operator()
        self.keys()

    def sign_up(self) -> None:
        browser = self.browser()
        sign_up(browser)
        path = link_in(mails("sign_up_confirm")[-1])
        self.watch.mark("sign-up token", path.rsplit("/", 1)[1])
        browser.get(path)
        browser.post(path)

    def log_in(self) -> None:
        browser = self.browser()
        browser.post("/login", data={"email": self.cast.bob.email, "password": LOST})
        answer = browser.post(
            "/login",
            data={"email": self.cast.bob.email, "password": self.cast.password},
        )
        assert answer.location == "/home"
        self.watch.mark("session cookie of Bob", self.token_of(browser))
        browser.get("/home")
        browser.post("/logout")

    def forgotten_password(self) -> None:
        browser = self.browser()
        browser.post("/password/forgot", data={"email": self.cast.vera.email})
        path = re.search(r"(/password/reset/[\w-]{43})", mails("password_reset")[-1].text)[1]
        self.watch.mark("reset token", path.rsplit("/", 1)[1])
        browser.get(path)
        browser.post(path, data={"password": "short"})
        browser.post(path, data={"password": CHOSEN})
        browser.post("/login", data={"email": self.cast.vera.email, "password": CHOSEN})
        self.watch.mark("session cookie of Vera", self.token_of(browser))

    def operator(self) -> None:
        added = self.app.test_cli_runner().invoke(args=["operator", "add", "otto@provider.example.com"])
        path = re.search(r"(/operator/setup/[\w-]{43})", added.output)[1]
        self.watch.mark("set-up token", path.rsplit("/", 1)[1])
        browser = self.browser()
        browser.get(path)
        browser.post(path, data={"password": OPERATORS})

    def keys(self) -> None:
        desk = self.desk
        new, _secret = desk.new_key()
        given = desk.browser.post(desk.url(new, "hand-over"), htmx=True)
        token = re.search(r"/hand-over/([A-Za-z0-9_-]{43})<", given.text)[1]
        self.watch.mark("hand-over token", token)
        customer = self.browser()
        customer.get(f"/hand-over/{token}")
        customer.post(f"/hand-over/{token}")
        customer.post(f"/hand-over/{token}")
        desk.press(desk.first, "off")
        desk.work()
        desk.press(desk.first, "on")
        desk.work()
        desk.press(desk.first, "off")
        desk.work()
        desk.text()
        for account in desk.site.storage._state.values():
            for number, key in enumerate(account.keys.values()):
                self.watch.mark(f"S3 secret {number}", key.secret.reveal())

    def worker(self) -> None:
        while worker.round_of_work(self.desk.site, self.settings):
            pass

    def worker_without_its_service(self) -> None:
        """The credentials of the storage service, where nobody answers or takes them."""
        root = Credentials(
            self.watch.mark("admin key id", "CANARYADMINKEYID0001"), Secret("CANARY-admin-secret-of-the-service"),
            "admin", Secret("CANARY-admin-password-of-it"),
        )  # fmt: skip
        for address in (
            f"rgw://127.0.0.1:{free_port()}",
            f"seaweedfs://127.0.0.1:{free_port()}?admin=http://127.0.0.1:9",
        ):
            storage = open_storage(address, root)
            self.watch.log.lines.append(repr([storage, vars(storage), root]))
            site = replace(self.desk.site, storage=storage)
            self.desk.press(self.desk.first, "on") if self.desk.offers(self.desk.first) & {"on"} else None
            self.clock.advance(minutes=20)
            worker.round_of_work(site, self.settings)
            self.app.test_cli_runner().invoke(args=["check"])
        del self.watch.marks["admin key id"]  # an id is no secret: it stands in messages

    def mail_without_its_server(self) -> None:
        broken = replace(
            self.settings,
            smtp_url=f"smtp://portal:CANARY-smtp-password@127.0.0.1:{free_port()}",
        )
        self.browser().post("/password/forgot", data={"email": self.cast.vera.email})
        worker.round_of_work(self.desk.site, broken)
        self.watch.log.lines.append(repr(broken))
        assert Mail.select().where(Mail.last_error != "").exists()
        self.clock.advance(minutes=20)


@pytest.fixture
def watch():
    """All loggers at DEBUG, also those that a library has turned down for itself alone."""
    watch, root = Watch(), logging.getLogger()
    level = root.level
    root.addHandler(watch.log)
    root.setLevel(logging.DEBUG)
    yield watch
    root.removeHandler(watch.log)
    root.setLevel(level)


@pytest.fixture
def walk(watch, app, cast, settings, clock, client_as) -> Walk:
    marks = {
        "a member's password": NEW_MEMBERS, "a password of somebody else": LOST, "a chosen password": CHOSEN,
        "an operator's password": OPERATORS, "the cast's password": cast.password, "data key": settings.data_keys[0],
        "key of cookies": settings.secret_key.reveal(), "storage credential": "CANARY-admin-secret-of-the-service",
        "storage admin's password": "CANARY-admin-password-of-it", "mail server's password": "CANARY-smtp-password",
    }  # fmt: skip
    for what, secret in marks.items():
        watch.mark(what, secret)
    start_up.prepare(settings, clock)
    return Walk(watch, app, cast, settings, clock, client_as)


def unexpected(watch) -> list[str]:
    found = []
    for answer in watch.answers:
        line = f"{answer.method} {answer.path}"
        for what in watch.in_text(answer.body):
            place = next(
                (place for name, place in IN_ANSWERS.items() if what.startswith(name)),
                None,
            )
            if place is None or not re.search(place, line):
                found.append(f"{what} in the answer of {line}")
        found += [f"{what} in the headers of {line}: {answer.headers}" for what in watch.in_text(answer.headers)]
    return found


def test_a_whole_life_leaves_no_secret_behind(walk, watch, settings, tmp_path, clock):
    walk.everything()
    walk.worker()
    walk.worker_without_its_service()
    walk.mail_without_its_server()
    walk.worker()
    new = Fernet.generate_key().decode()
    watch.mark("new data key", new)
    rekey.rekey(walk.desk.site.act(), replace(settings, data_keys=(new, *settings.data_keys)))
    list(promises_desk.ask(settings, clock))
    assert len(watch.marks) >= 18 and len(watch.answers) > 30
    assert watch.in_log() == []
    assert unexpected(watch) == []
    assert watch.in_tables() == set(), "the outbox is empty: every mail was sent, and its text removed"
    assert not any(watch.in_text(f"{event.before} {event.after}") for event in AuditEvent.select())
    if settings.database_url.startswith("sqlite"):
        empty_log()
        backup.make(settings, tmp_path / "backup.db", clock.now())
    in_mail = {"sign-up token", "reset token", "set-up token"}  # that is what the mails are for
    assert {what for what, name in watch.in_files(tmp_path) if not name.startswith("portal.db-")} <= in_mail
    assert {what for what, name in watch.in_files(tmp_path) if ".db" in name} == set()


def test_a_mail_that_waits_holds_its_link_and_nothing_else(walk, watch):
    """The outbox before the worker comes: that is the one place where a one-time link stands as it is."""
    walk.sign_up()
    walk.forgotten_password()
    assert {place for _what, place in watch.in_tables()} <= {"mail.text", "mail.html"}
    assert {what for what, _place in watch.in_tables()} == {
        "sign-up token",
        "reset token",
    }


def broken(original, words: str):
    """Does its work, and then fails with everything that it knows in its message and in its variables."""

    def call(*args, **kwargs):
        known = original(*args, **kwargs)
        raise RuntimeError(f"{words}: {known!r} {known} {[known]} {args!r}")

    return call


FAULTS = [
    (access_keys, "reveal"), (access_keys, "opened"), (hand_over, "create"), (hand_over, "use"), (hand_over, "_opened"),
    (passwords, "matches"), (passwords, "hashed"), (log_in, "check"), (Vault, "open"), (Vault, "seal"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "name"),
    FAULTS,
    ids=[f"{where.__name__}.{name}" for where, name in FAULTS],
)
def test_a_fault_in_any_flow_shows_nothing(walk, watch, monkeypatch, where, name):
    desk = walk.desk
    new, _secret = desk.new_key()
    given = desk.browser.post(desk.url(new, "hand-over"), htmx=True)
    link = re.search(r"(/hand-over/[A-Za-z0-9_-]{43})<", given.text)[1]
    watch.mark("hand-over token", link.rsplit("/", 1)[1])
    other = access_key_to_show(walk)
    for account in desk.site.storage._state.values():
        for number, key in enumerate(account.keys.values()):
            watch.mark(f"S3 secret {number}", key.secret.reveal())
    monkeypatch.setattr(where, name, broken(getattr(where, name), "a fault"))
    seen = len(watch.answers)
    browser = walk.browser()
    browser.get(link)
    browser.post(link)
    for act in ("reveal", "hand-over"):
        desk.browser.post(f"{walk.other_url}/{other.id}/{act}")
    browser.post("/login", data={"email": walk.cast.bob.email, "password": walk.cast.password})
    with contextlib.suppress(AssertionError):  # it does not get to the end
        walk.sign_up()
    with contextlib.suppress(TypeError, KeyError):
        walk.forgotten_password()
    assert 500 in {answer.status for answer in watch.answers[seen:]}
    assert any("a fault" in line for line in watch.log.lines), "the log says that something failed"
    assert watch.in_log() == []
    assert unexpected(watch) == []


def access_key_to_show(walk) -> AccessKey:
    """Of another sub-account: its secret was never shown."""
    row = opened(walk.cast, walk.settings, walk.clock.now(), "Adler AG")
    walk.watch.mark("S3 secret to be shown", SECRET)
    walk.other_url = f"/sub-accounts/{row.number}/keys"
    return AccessKey.get(AccessKey.sub_account == row)


TABLES = (
    "access_key",
    "hand_over",
    "mail",
    "one_time_link",
    "session",
    "sign_up_draft",
    "member",
    "audit_event",
)


def refuse_writes(engine: str, table: str) -> None:
    """The database itself says no, with words of its own: Postgres would print the row that it refuses."""
    if engine == "postgres":
        database.execute_sql(f'ALTER TABLE "{table}" ADD CONSTRAINT refused CHECK (false) NOT VALID')
        return
    for event in ("INSERT", "UPDATE"):
        database.execute_sql(
            f"CREATE TRIGGER refused_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'CHECK refused'); END"
        )


def allow_writes(engine: str, table: str) -> None:
    if engine == "postgres":
        database.execute_sql(f'ALTER TABLE "{table}" DROP CONSTRAINT refused')
    else:
        for event in ("INSERT", "UPDATE"):
            database.execute_sql(f"DROP TRIGGER refused_{event}")


@pytest.mark.parametrize("table", TABLES)
def test_what_the_database_refuses_is_not_printed(walk, watch, engine, table):
    desk, browser = walk.desk, walk.browser()
    new, _secret = desk.new_key()
    for account in desk.site.storage._state.values():
        for number, key in enumerate(account.keys.values()):
            watch.mark(f"S3 secret {number}", key.secret.reveal())
    for key in AccessKey.select().where(AccessKey.retained_ct.is_null(False)):
        watch.mark(f"sealed secret {key.id}", str(key.retained_ct)[:40])
    refuse_writes(engine, table)
    try:
        seen = len(watch.answers)
        desk.browser.post(desk.url(new, "hand-over"), htmx=True)
        desk.browser.post(desk.url(new, "stored"))
        browser.post(
            "/login",
            data={"email": walk.cast.bob.email, "password": walk.cast.password},
        )
        browser.post("/password/forgot", data={"email": walk.cast.vera.email})
        with contextlib.suppress(AssertionError, IndexError):
            sign_up(browser)
    finally:
        allow_writes(engine, table)
    assert 500 in {answer.status for answer in watch.answers[seen:]}
    assert watch.in_log() == []
    assert not [line for line in watch.log.lines if "Failing row" in line or "$argon2" in line]
    assert unexpected(watch) == []
