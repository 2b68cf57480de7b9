"""The web process ends without losing a request, and within a bound."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

# Answers /slow only when its input ends; /now at once.
SCRIPT = """
import json, sys
from services.serving import serve

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("working", flush=True)
        sys.stdin.read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 300_000]

print("ready", flush=True)
serve(application, threads=2, **json.loads(sys.argv[1]))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def one_address() -> tuple[list[int], dict]:
    port = free_port()
    return [port], {"host": "127.0.0.1", "port": port}


def two_addresses() -> tuple[list[int], dict]:
    """As a host name that stands for two, or `*`: waitress then has a socket for each."""
    ports = [free_port(), free_port()]
    return ports, {"listen": " ".join(f"127.0.0.1:{port}" for port in ports)}


@pytest.fixture(params=[one_address, two_addresses], ids=["one address", "two addresses"])
def server(request):
    ports, where = request.param()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(where)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True,
    )  # fmt: skip
    process.ports, process.port = ports, ports[0]
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    for end in (process.stdin, process.stdout):
        end.close()


def connect(port: int) -> http.client.HTTPConnection:
    """Waits until the port answers."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.connect()
        except ConnectionRefusedError:
            connection.close()
        else:
            return connection


def test_a_request_under_way_is_answered_whole_when_the_process_is_told_to_end(server):
    connection = connect(server.port)
    connection.request("GET", "/slow")
    assert server.stdout.readline() == "working\n"
    server.send_signal(signal.SIGTERM)
    for port in server.ports:
        while True:  # nobody new is let in
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except ConnectionRefusedError:
                break
    server.stdin.close()
    answer = connection.getresponse()
    assert (answer.status, len(answer.read())) == (200, 300_000)
    connection.close()
    assert server.wait(20) == 0


def test_an_idle_process_ends_at_once(server):
    connection = connect(server.port)
    connection.request("GET", "/now")
    assert len(connection.getresponse().read()) == 300_000
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == 0
    connection.close()
