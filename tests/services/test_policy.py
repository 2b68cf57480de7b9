"""Rules that staff set while the portal runs."""

import pytest

from models.audit import AuditEvent
from services import policy
from services.policy import Policy, PolicyRefused, PolicyStale
from tests.cast import act_of


def test_what_nobody_set_has_its_default(cast):
    assert policy.current() == Policy()


def test_a_rule_is_set_and_leaves_a_trail(cast, clock):
    act = act_of(cast.olga, clock.now())
    policy.change(act, {"fair_use_percent": 10, "flow_down_before_keys": True})
    policy.change(act, {"fair_use_percent": 12})
    assert policy.current() == Policy(fair_use_percent=12, flow_down_before_keys=True)
    row = AuditEvent.select().where(AuditEvent.thing_id == "fair_use_percent").order_by(AuditEvent.id.desc()).get()
    assert (row.action, row.before, row.after) == ("policy.changed", {"fair_use_percent": 10}, {"fair_use_percent": 12})


@pytest.mark.parametrize(
    ("name", "value"),
    [("fair_use_percent", 101), ("fair_use_percent", -1), ("retrieval_days", 29), ("fair_use_decreases", True)],
)
def test_a_value_out_of_bounds_is_refused_and_nothing_is_set(cast, clock, name, value):
    with pytest.raises(PolicyRefused) as refused:
        policy.change(act_of(cast.olga, clock.now()), {"confirm_details_days": 90, name: value})
    assert refused.value.field == name
    assert policy.current() == Policy()


def test_the_same_value_again_leaves_no_second_trail(cast, clock):
    for _ in range(2):
        policy.change(act_of(cast.olga, clock.now()), {"fair_use_percent": 10})
    assert AuditEvent.select().where(AuditEvent.action == "policy.changed").count() == 1


def test_a_rule_that_somebody_else_set_meanwhile_is_not_overwritten(cast, clock):
    act, seen = act_of(cast.olga, clock.now()), policy.current()
    policy.change(act, {"fair_use_percent": 10}, seen=seen)
    with pytest.raises(PolicyStale) as refused:
        policy.change(act, {"fair_use_percent": 12, "retrieval_days": 60}, seen=seen)
    assert refused.value.field == "fair_use_percent"
    policy.change(act, {"retrieval_days": 60}, seen=seen)
    assert policy.current() == Policy(fair_use_percent=10, retrieval_days=60)
