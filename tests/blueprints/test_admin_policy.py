"""The rules as a page: made from the rules themselves, with bounds, defaults and trail; a contract's own fair use."""

import re
from dataclasses import fields

import pytest

from blueprints.admin.policy_words import GROUPS, RULES
from models.audit import AuditEvent
from models.contract import Contract
from services import policy
from services.policy import BOUNDS, Policy
from tests.cast import act_of

PAGE = "/admin/policy"
FAIR_USE = "/admin/contracts/RCP-1001/fair-use"


def sent_by(page) -> dict[str, str]:
    """The form as a browser sends it."""
    fields = {}
    for field in re.findall(r"<input[^>]*>", page.text):
        name, value = re.search(r'name="([^"]+)"', field), re.search(r'value="([^"]*)"', field)
        if name and value and ('type="checkbox"' not in field or "checked" in field):
            fields[name[1]] = value[1]
    return fields


def test_each_rule_has_words_bounds_and_a_place():
    names = [rule.name for rule in fields(Policy)]
    assert sorted(RULES) == sorted(names) == sorted(name for _title, group in GROUPS for name in group)
    assert {rule.name for rule in fields(Policy) if rule.type is int} == set(BOUNDS)
    assert all(bool(RULES[rule.name].unit) == (rule.type is int) for rule in fields(Policy))


def test_the_page_shows_each_rule_with_bounds_and_default(client_as, cast):
    page = client_as(cast.olga).get(PAGE).text
    for words in RULES.values():
        assert str(words.label) in page
    assert "0 to 100, default 25." in page and "Default: off." in page
    assert "Every rule has its default." in page


def test_rules_are_saved_and_stand_in_the_trail(client_as, cast):
    browser = client_as(cast.olga)
    form = sent_by(browser.get(PAGE)) | {"fair_use_percent": "10", "flow_down_before_keys": "y"}
    saved = browser.post(PAGE, data=form)
    assert (saved.status_code, saved.location) == (303, PAGE)
    assert policy.current() == Policy(fair_use_percent=10, flow_down_before_keys=True)
    page = browser.get(PAGE).text
    assert "The rules were saved." in page and "Olga Olsen" in page and "Rule changed" in page
    assert f"{RULES['fair_use_percent'].label}:</span> <del><bdi>25</bdi></del> → <bdi>10</bdi>" in page
    assert "<bdi>yes</bdi>" in page
    assert AuditEvent.select().where(AuditEvent.action == "policy.changed").count() == 2
    form = sent_by(browser.get(PAGE))
    assert form.pop("flow_down_before_keys")
    browser.post(PAGE, data=form)
    assert not policy.current().flow_down_before_keys


def test_saving_what_holds_already_changes_nothing(client_as, cast):
    browser = client_as(cast.olga)
    assert browser.post(PAGE, data=sent_by(browser.get(PAGE))).status_code == 303
    assert not AuditEvent.select().where(AuditEvent.action == "policy.changed").exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [("101", "from 0 to 100"), ("-1", "from 0 to 100"), ("", "Enter a whole number"), ("ten", "Enter a whole number"),
     ("1" * 40, "from 0 to 100")],
)  # fmt: skip
def test_a_wrong_value_stands_beside_its_field_and_nothing_is_set(client_as, cast, value, words):
    browser = client_as(cast.olga)
    form = sent_by(browser.get(PAGE)) | {"retrieval_days": "60", "fair_use_percent": value}
    page = browser.post(PAGE, data=form)
    assert (page.status_code, words in page.text) == (422, True)
    assert 'href="#fair_use_percent"' in page.text and 'value="60"' in page.text
    assert policy.current() == Policy()


def test_what_a_colleague_changed_meanwhile_is_kept(client_as, cast, clock):
    browser = client_as(cast.olga)
    form = sent_by(browser.get(PAGE))
    policy.change(act_of(cast.olga, clock.now()), {"retrieval_days": 45})
    assert browser.post(PAGE, data=form | {"transition_days": "10"}).status_code == 303
    assert policy.current() == Policy(retrieval_days=45, transition_days=10)
    late = browser.post(PAGE, data=form | {"retrieval_days": "90"})
    assert (late.status_code, "Somebody else has changed this rule" in late.text) == (409, True)
    assert "Holds now: 45" in late.text and 'value="90"' in late.text
    assert browser.post(PAGE, data=sent_by(late)).status_code == 303
    assert policy.current().retrieval_days == 90


def test_support_looks_and_managers_set(client_as, cast):
    oscar = client_as(cast.oscar)
    page = oscar.get(PAGE)
    assert "Managers set them" in page.text and "Save the rules" not in page.text
    assert oscar.post(PAGE, data=sent_by(page)).status_code == 403
    assert oscar.get(FAIR_USE).status_code == 403
    assert client_as(cast.alice).get(PAGE).status_code == 404
    assert client_as(cast.alice).post(PAGE).status_code == 404


def test_a_contract_gets_rules_of_its_own_with_a_reason(client_as, cast):
    browser = client_as(cast.olga)
    page = browser.get(FAIR_USE)
    assert "For everybody: 30." in page.text
    form = sent_by(page) | {"fair_use_percent": "50", "reason": "Agreed by phone"}
    assert browser.post(FAIR_USE, data=form).status_code == 303
    contract = Contract.get_by_id(cast.contract.id)
    assert (contract.fair_use_percent, contract.fair_use_decreases) == (50, None)
    event = AuditEvent.get(AuditEvent.action == "contract.fair_use_set")
    assert event.after == {"fair_use_percent": 50, "reason": "Agreed by phone"}
    form = sent_by(browser.get(FAIR_USE)) | {"fair_use_percent": "", "reason": "Back to normal"}
    browser.post(FAIR_USE, data=form)
    assert Contract.get_by_id(cast.contract.id).fair_use_percent is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reason": " "}, "Write down why"),
        ({"reason": "x" * 501}, "Write down why"),
        ({"fair_use_percent": "101"}, "from 0 to 100"),
        ({"fair_use_window_days": "soon"}, "Enter a whole number"),
    ],
)
def test_a_contracts_rules_need_bounds_and_a_reason(client_as, cast, changed, words):
    browser = client_as(cast.olga)
    form = sent_by(browser.get(FAIR_USE)) | {"fair_use_decreases": "9", "reason": "Why"} | changed
    page = browser.post(FAIR_USE, data=form)
    assert (page.status_code, words in page.text) == (422, True)
    assert Contract.get_by_id(cast.contract.id).fair_use_decreases is None


def test_rules_of_a_contract_that_changed_meanwhile_are_looked_at_again(client_as, cast):
    browser = client_as(cast.olga)
    form = sent_by(browser.get(FAIR_USE))
    browser.post(FAIR_USE, data=form | {"fair_use_percent": "50", "reason": "First"})
    late = browser.post(FAIR_USE, data=form | {"fair_use_percent": "5", "reason": "Second"})
    assert (late.status_code, "meanwhile" in late.text) == (422, True)
    assert Contract.get_by_id(cast.contract.id).fair_use_percent == 50
    assert browser.get("/admin/contracts/RCP-404/fair-use").status_code == 404
