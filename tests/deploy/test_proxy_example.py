"""The example of a proxy: no log of it holds the token of a one-time link."""

import re
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf.example"


def test_every_server_that_answers_keeps_whole_addresses_out_of_its_log():
    servers = re.findall(r"^server \{\n(.*?)^\}", EXAMPLE.read_text(), re.MULTILINE | re.DOTALL)
    answering = [server for server in servers if "ssl_reject_handshake" not in server]
    logs = [re.findall(r"^ +access_log ([^;]+);", server, re.MULTILINE) for server in answering]
    assert logs == [["off"], ["/var/log/nginx/portal.log portal_without_tokens"]]
