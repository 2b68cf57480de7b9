"""moto in server mode, with log-in enforced, and strict where moto is lax and AWS is not: a key that was switched off.

python aws_service.py PORT FREE_REQUESTS      the first FREE_REQUESTS requests need no log-in: they make the first user
"""

import os
import re
import sys
from urllib.parse import parse_qs

HOST = "127.0.0.1"
CREDENTIAL = re.compile(r"Credential=([^/]+)/")
REFUSAL = b"<Error><Code>InvalidAccessKeyId</Code><Message>The key is not active.</Message></Error>"


class Strict:
    """WSGI: refuses requests that are signed with an inactive key, before moto sees them."""

    def __init__(self, app):
        self._app = app

    def __call__(self, environ, start_response):
        signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        linked = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential")
        key_id = signed[1] if signed else linked[0].split("/")[0] if linked else ""
        if key_id in self._inactive():
            start_response(
                "403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(REFUSAL)))]
            )
            return [REFUSAL]
        return self._app(environ, start_response)

    def _inactive(self) -> set[str]:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.iam.models import iam_backends

        users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].users.values()
        return {key.access_key_id for user in users for key in user.access_keys if key.status != "Active"}


def main(port: int, free_requests: int) -> None:
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(free_requests)
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    run_simple(HOST, port, Strict(DomainDispatcherApplication(create_backend_app)), threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
