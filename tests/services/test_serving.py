"""The web process ends without losing a request, and within a bound."""

import http.client
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

# Answers /slow only when its input ends; /now at once.
SCRIPT = """
import sys
from services.serving import serve

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("working", flush=True)
        sys.stdin.read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 300_000]

print("ready", flush=True)
serve(application, host="127.0.0.1", port=int(sys.argv[1]), threads=2)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server():
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True,
    )  # fmt: skip
    process.port = port
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
    while True:  # nobody new is let in
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
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
