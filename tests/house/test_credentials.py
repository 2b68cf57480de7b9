"""Who takes over the web process does not get the key to all storage: only the worker and its commands read it
(threats.md 27)."""

import ast
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.house import source
from tests.house.test_imports import imports
from tests.postgres import free_port

READERS = ("read_credentials", "open_storage")
READERS_OF_REGIONS = ("configured", "read_region_file")
# What a request can reach: every page, and the server that calls them.
WEB = ("blueprints", "services.serving")
START_SECONDS = 60


def modules() -> dict:
    return {source.module(path): path for path in source.product_files()}


@functools.cache
def reached() -> frozenset[str]:
    """Modules of the product that the web process can import, also from within functions."""
    known = modules()
    waiting = [name for name in known if name.startswith(WEB)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for what, _line in imports(known[name]):
            parts = what.split(".")
            waiting += [own for end in range(1, len(parts) + 1) if (own := ".".join(parts[:end])) in known]
    return frozenset(seen)


def callers(readers: tuple[str, ...] = READERS) -> set[str]:
    """Modules that call a reader of the credentials; the gateway itself only defines them."""
    return {
        source.module(path)
        for path in source.product_files()
        if any(called.split(".")[-1] in readers for called, _line in source.calls(path))
        and not source.module(path).startswith("services.storage")
    }


def test_the_worker_and_the_check_command_read_the_credentials():
    assert callers() == {"services.promises_desk", "services.worker_sites"}


def test_the_worker_and_two_commands_read_which_regions_there_are():
    named = {"services.installation", "services.promises_desk", "services.worker_sites"}
    assert callers(READERS_OF_REGIONS) == named
    assert reached() & {*named, "services.storage.region_file"} == set()


def test_nothing_that_a_request_can_reach_reads_the_credentials():
    found = reached()
    assert {"blueprints.access", "services.sub_accounts", "models.base"} <= found
    assert found & callers() == set()


def test_no_page_knows_where_the_credentials_are():
    named = [
        source.name(path)
        for name, path in modules().items()
        if name in reached() - {"services.settings"}
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("storage_credentials", "storage_file")
    ]
    source.none(named)


# The files are unreadable for everybody but root, and tests may run as root: so whoever opens one is also ended.
PROGRAM = """
import os, sys
def watch(event, arguments):
    if event == "open" and str(arguments[0]) in os.environ["WATCHED"].split(os.pathsep):
        print("the file was opened: " + str(arguments[0]), file=sys.stderr, flush=True)
        os._exit(9)
sys.addaudithook(watch)
import portal
portal.cli()
"""
REGIONS = """
[[region]]
name = "north"
url = "rgw://127.0.0.1:9"
credentials_file = "credentials.json"

[[region]]
name = "south"
url = "aws://eu-central-1"
credentials_file = "credentials.json"
"""


def answers(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"access_key_id": "CANARY", "secret_access_key": "CANARY"}))
    file.chmod(0)
    return file


def serves_without_opening(environment: dict, init_may_open: tuple, watched: tuple, port: int) -> None:
    command = [sys.executable, "-c", PROGRAM]
    during_init = [file for file in watched if file not in init_may_open]
    init = environment | {"WATCHED": os.pathsep.join(map(str, during_init))}
    subprocess.run([*command, "init"], cwd=source.ROOT, env=init, check=True, capture_output=True)
    serve = environment | {"WATCHED": os.pathsep.join(map(str, watched))}
    process = subprocess.Popen([*command, "serve"], cwd=source.ROOT, env=serve, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + START_SECONDS
        while not answers(port, "/health"):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until, "the portal did not start"
            threading.Event().wait(0.1)
        assert [answers(port, path) for path in ("/health", "/login", "/", "/admin/storage")] == [200] * 4
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=START_SECONDS)
    assert process.returncode == 0, log
    assert "CANARY" not in log


def environment_of(tmp_path, port: int, **more: str) -> dict:
    return {"PATH": os.defpath, "PORTAL_VAR_DIR": str(tmp_path / "var"), "PORTAL_PORT": str(port), **more}


def test_the_web_process_works_beside_a_file_that_it_may_not_open(tmp_path, secret_file):
    port = free_port()
    named = {"STORAGE_CREDENTIALS_FILE": str(secret_file), "STORAGE_URL": "rgw://127.0.0.1:9"}
    serves_without_opening(environment_of(tmp_path, port, **named), (), (secret_file,), port)


def test_the_web_process_opens_neither_the_file_of_regions_nor_what_it_names(tmp_path, secret_file):
    port, regions = free_port(), tmp_path / "regions.toml"
    regions.write_text(REGIONS)
    environment = environment_of(tmp_path, port, PORTAL_STORAGE_FILE=str(regions))
    serves_without_opening(environment, (regions,), (regions, secret_file), port)
