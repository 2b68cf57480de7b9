"""The web process as it runs: how soon it answers, what it holds after many requests, what a first visit loads."""

import contextlib
import gzip
import http.client
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.ground import RUNS, Ground
from bench.lists import resident_mb
from tests import accounts
from tests.postgres import free_port

ROOT = Path(__file__).parents[1]
PATHS = ("/home", "/sub-accounts", "/sub-accounts?q=custom", "/allocations/RCP-1001", "/usage", "/login")
FIRST_LOADS = ("/login", "/home", "/sub-accounts", "/allocations/RCP-1001")
ASSET = re.compile(r'(?:<link rel="stylesheet" href|<script src)="([^"]+)"')
ASK_FOR_BOTO = "import sys, portal; portal.create_app(); print(any(name.startswith('boto') for name in sys.modules))"


def measure(ground: Ground, requests: int) -> list[dict]:
    accounts.many(ground.cast, ground.at, 50, allocated_bytes=10 * 10**9)
    environment = environment_of(ground, free_port())
    client = ground.client_as(ground.cast.alice)
    cookie = f"portal={client.get_cookie('portal', domain='127.0.0.1').value}"
    starts = []
    for _ in range(RUNS):
        with serving(environment) as (_process, ready_ms):
            starts.append(ready_ms)
    rows = [{"what": "first answer after the start", "ms": statistics.median(starts), "boto3": has_boto(environment)}]
    with serving(environment) as (process, _ready_ms):
        rows += held(process, environment, cookie, requests)
        rows += [first_load(environment, cookie, path) for path in FIRST_LOADS]
    return rows


def environment_of(ground: Ground, port: int) -> dict[str, str]:
    settings = ground.settings
    return {
        "PATH": os.environ["PATH"],
        "PORTAL_SECRET_KEY": settings.secret_key.reveal(),
        "PORTAL_DATA_KEYS": ",".join(settings.data_keys),
        "PORTAL_VAR_DIR": str(settings.var_dir),
        "DATABASE_URL": settings.database_url,
        "PORTAL_PORT": str(port),
    }


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen, float]]:
    """`python portal.py serve`, and the milliseconds until it answered for the first time."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "portal.py", "serve"], cwd=ROOT, env=environment)
    try:
        while not answers(environment):
            assert process.poll() is None, "the web process ended"
            time.sleep(0.005)
        yield process, (time.perf_counter() - start) * 1000
    finally:
        process.terminate()
        process.wait(30)


def answers(environment: dict[str, str]) -> bool:
    with contextlib.suppress(OSError):
        return fetch(environment, "/health")[0] == 200
    return False


def fetch(environment: dict[str, str], path: str, cookie: str = "") -> tuple[int, str, bytes]:
    """Status, headers as they go over the wire, body."""
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["PORTAL_PORT"]), timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        return answer.status, str(answer.headers), answer.read()


def has_boto(environment: dict[str, str]) -> str:
    asked = [sys.executable, "-c", ASK_FOR_BOTO]
    done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return "yes" if done.stdout.strip() == "True" else "no"


def held(process: subprocess.Popen, environment: dict[str, str], cookie: str, requests: int) -> list[dict]:
    """Resident memory after a tenth of the requests and after all of them."""
    rows = []
    for number in range(1, requests + 1):
        path = PATHS[number % len(PATHS)]
        status = fetch(environment, path, cookie)[0]
        assert status in (200, 303), f"{path} answered {status}"
        if number in (requests // 10, requests):
            rows.append({"what": f"after {number:,} requests", "resident MB": resident_mb(process.pid)})
    return rows


def first_load(environment: dict[str, str], cookie: str, path: str) -> dict:
    """Page and assets as the proxy in front sends them, compressed."""
    _status, headers, page = fetch(environment, path, "" if path == "/login" else cookie)
    assets = ASSET.findall(page.decode())
    parts = [(headers, page), *(fetch(environment, asset.replace("&amp;", "&"))[1:] for asset in assets)]
    size = sum(len(headers) + len(gzip.compress(body, 6)) for headers, body in parts)
    return {"what": f"first load of {path}", "requests": len(parts), "KB": size / 1000}
