"""moto in server mode, with log-in enforced. Two things of AWS's that it lacks are added: a key that was switched off
is refused, and the retention of an object can be asked for.

python aws_service.py PORT FREE_REQUESTS      the first FREE_REQUESTS requests need no log-in: they make the first user
"""

import os
import re
import sys
from urllib.parse import parse_qs

HOST = "127.0.0.1"
CREDENTIAL = re.compile(r"Credential=([^/]+)/")
REFUSAL = b"<Error><Code>InvalidAccessKeyId</Code><Message>The key is not active.</Message></Error>"


class LikeAws:
    """WSGI: answers before moto sees the request, where moto would be wrong."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        signed, linked = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")), query.get("X-Amz-Credential")
        key_id = signed[1] if signed else linked[0].split("/")[0] if linked else ""
        if key_id in inactive_keys():
            return answer(start_response, "403 Forbidden", REFUSAL)
        if environ["REQUEST_METHOD"] == "GET" and "retention" in query:
            return answer(start_response, "200 OK", retention(environ["PATH_INFO"], query))
        return self._app(environ, start_response)


def answer(start_response, status: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def inactive_keys() -> set[str]:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.iam.models import iam_backends

    users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users.values()
    return {key.access_key_id for user in users for key in user.access_keys if key.status != "Active"}


def retention(path: str, query: dict[str, list[str]]) -> bytes:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    bucket, _, name = path.lstrip("/").partition("/")
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, name, query["versionId"][0])
    words = f"<Mode>{found.lock_mode}</Mode><RetainUntilDate>{found.lock_until}</RetainUntilDate>"
    return f"<Retention>{words}</Retention>".encode()


def main(port: int, free_requests: int) -> None:
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(free_requests)
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    run_simple(HOST, port, LikeAws(DomainDispatcherApplication(create_backend_app)), threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
