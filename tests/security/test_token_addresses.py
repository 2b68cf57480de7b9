"""One-time links carry their token in the address: the shipped proxy keeps every one of them out of its log."""

import re
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf.example"
TOKEN = "T" * 43


def test_the_proxy_logs_nothing_of_what_a_companys_log_in_sends_back(app):
    logged = re.search(r"^\s+~(\^\S+)\s+\$\{back\}", EXAMPLE.read_text(), re.MULTILINE)[1].replace("?<back>", "?P<back>")
    rule = next(rule.rule for rule in app.url_map.iter_rules() if rule.endpoint == "sso_log_in.back")
    found = re.match(logged, rule.replace("<name:partner>", "a1b2") + "?code=" + TOKEN + "&state=" + TOKEN)
    assert found and TOKEN not in found["back"]


def test_the_proxy_logs_no_address_with_a_token(app):
    logged = re.search(r"^\s+~(\^\S+)\s+\$\{kept\}", EXAMPLE.read_text(), re.MULTILINE)[1].replace(
        "?<kept>", "?P<kept>"
    )
    addresses = [rule.rule for rule in app.url_map.iter_rules() if "<token:" in rule.rule]
    assert len(addresses) >= 5
    for address in addresses:
        found = re.match(logged, re.sub(r"<token:\w+>", TOKEN, address))
        assert found and TOKEN not in found["kept"], address
