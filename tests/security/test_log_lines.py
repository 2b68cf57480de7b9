"""The log cannot be written by others (threats.md 24, ASVS 16.2 and 16.4.1): whatever anybody sends, each thing that
happened is one line, with its time in UTC, its sort, where it comes from, and a text."""

import json
import logging
import subprocess
import sys

import pytest

from services import log_lines
from tests.house.source import ROOT
from tests.security import filling, walking
from tests.security.walking import Snapshot, World, signed_in

INJECTED = "x\r\n{\"level\": \"error\"} portal forged\n\x1b[31mred\x1b[0m\x85\u2028\u2029\x0b\x0c\x08end"


class Lines(logging.Handler):
    """What would stand in the journal."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(log_lines.JsonLine())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def journal():
    kept, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)


def odd(line: str) -> bool:
    told = json.loads(line)
    return not line.isascii() or not line.isprintable() or not {"at", "level", "logger", "text"} <= told.keys()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["nobody", "admin", "customer"])
def test_whatever_is_sent_stays_one_line_of_the_log(app, cast, clock, journal, monkeypatch, role):
    """Forms, addresses, headers and cookies with line breaks and colours in them; and faults that repeat them."""
    world = World(cast, app.settings, clock.now())
    before = Snapshot()
    for form in filling.forms_of(app, world, role):
        before.restore()
        sent = form.filled(**{control.name: INJECTED for control in form.controls if control.kind != "file"})
        signed_in(app, world, role).post(form.action, data=sent, check=False)
    before.restore()
    browser = signed_in(app, world, role)
    headers = {"User-Agent": "x\x1b[31m\u2028".encode().decode("latin-1"), "X-Request-Id": "forged", "Referer": "x\x0b"}
    for _way, _side, path in walking.every(app, world, "GET", role=role):
        browser.get(path, query_string={"q": INJECTED, "next": INJECTED}, headers=headers, check=False)

    def fail():
        raise ValueError(INJECTED)

    app.view_functions["health.show"] = fail
    fail.access = type("Open", (), {"open_to_all": True, "console": False})()
    assert browser.get("/health", check=False).status_code == 500
    assert any("forged" in line for line in journal.lines), "the fault repeats what was sent"
    assert [line for line in journal.lines if odd(line)] == []


def test_a_line_says_when_in_utc_what_and_where_from(journal):
    log = logging.getLogger("portal.log_in")
    try:
        raise ValueError(INJECTED)
    except ValueError:
        log.exception("log-in of %s", INJECTED)
    told = json.loads(journal.lines[-1])
    assert told["at"].endswith("Z") and told["level"] == "error" and told["logger"] == "portal.log_in"
    assert told["text"] == f"log-in of {INJECTED}" and "ValueError" in told["trace"]
    assert "\n" not in journal.lines[-1]


def test_every_process_logs_this_way():
    """Portal and worker begin with start_up.prepare."""
    program = (
        "import contextlib, logging\nfrom services import start_up\n"
        "with contextlib.suppress(Exception): start_up.prepare(None, None)\n"
        "logging.getLogger('portal.log_in').info('a\\nb'); logging.getLogger('other').info('no'); "
        "logging.getLogger('other').warning('yes')"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stderr
    assert [json.loads(line)["text"] for line in told.splitlines()] == ["a\nb", "yes"]


def test_refused_log_ins_are_in_the_log_without_the_address(app, cast, client, journal):
    client.post("/login", data={"email": cast.alice.email, "password": "not this one at all"})
    lines = [json.loads(line) for line in journal.lines if "portal.log_in" in line]
    assert lines and all(cast.alice.email not in line["text"] for line in lines)
