"""What a proxy or a half-broken service may say instead of an answer: never taken for an empty account or a success."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.secret import Secret
from services.storage import Credentials, StorageRefused, StorageUnavailable, open_storage

PAGE = b"<html><body>Bad gateway</body></html>"
XML = b'<?xml version="1.0"?><Odd><Thing>1</Thing></Odd>'


class Says(BaseHTTPRequestHandler):
    """Answers each request with the server's `status` and `body`."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def odd() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=["rgw", "aws"])
def storage(request, odd):
    there = f"127.0.0.1:{odd.server_port}"
    url = {"rgw": f"rgw://{there}", "aws": f"aws://us-east-1?s3=http://{there}&iam=http://{there}"}[request.param]
    return open_storage(url, Credentials("AKROOT", Secret("canary-secret")))


CALLS = {
    "read_account": lambda storage: storage.read_account("pp-1a"),
    "put_account": lambda storage: storage.put_account("pp-1a", "marker-1", "Northwind", 1),
    "list_accounts": lambda storage: storage.list_accounts("pp-"),
    "measure": lambda storage: storage.measure("pp-1a"),
    "purge": lambda storage: storage.purge("pp-1a"),
    "probe_key": lambda storage: storage.probe_key("AK1", Secret("other"), "data"),
    "health": lambda storage: storage.health(),
}


BODIES = (b"", PAGE, XML)
WITHOUT_PROBE = {name: call for name, call in CALLS.items() if name != "probe_key"}


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_failing_service_is_tried_again_whatever_its_words(odd, storage, status):
    odd.status = status
    for odd.body in BODIES:
        for call in CALLS.values():
            with pytest.raises(StorageUnavailable) as caught:
                call(storage)
            assert "canary" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_in_odd_words_is_no_absence_and_no_success(odd, storage, status):
    odd.status = status
    for odd.body in BODIES:
        for call in WITHOUT_PROBE.values():
            with pytest.raises((StorageUnavailable, StorageRefused)) as caught:
                call(storage)
            assert type(caught.value).__name__ not in ("StorageAbsent", "StorageConflict")


def test_a_page_with_status_200_is_no_answer(odd, storage):
    odd.status, odd.body = 200, PAGE
    for call in WITHOUT_PROBE.values():
        with pytest.raises(StorageUnavailable):
            call(storage)


@pytest.mark.parametrize("body", BODIES)
def test_a_page_with_status_200_is_no_empty_bucket(odd, storage, body):
    odd.status, odd.body = 200, body
    side = storage._s3
    for call in (
        lambda: side.count("data"),
        lambda: side.unfinished("data"),
        lambda: side.delete_versions("data", None),
    ):
        with pytest.raises(StorageUnavailable):
            call()


@pytest.mark.parametrize("answer", [b"[]", b"{}", b"3", b"null", b'"x"', b'{"keys": 1}'])
def test_json_of_another_shape_is_no_answer_of_cephs(odd, answer):
    odd.status, odd.body = 200, answer
    storage = open_storage(f"rgw://127.0.0.1:{odd.server_port}", Credentials("AKROOT", Secret("canary-secret")))
    for call in WITHOUT_PROBE.values():
        with pytest.raises(StorageUnavailable):
            call(storage)
