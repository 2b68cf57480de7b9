"""Switching areas off and on (T5): for all, for one, now, at a time; found out when asked."""

from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.feature_switch import FeatureSwitch
from models.sub_account import SubAccount
from services import feature_switching, features
from services.feature_switching import SwitchRefused, Wish
from services.once import KeyReused
from services.refusal import NotFound
from tests.notices import LANGUAGES, TEXTS, switched_off

HOUR = timedelta(hours=1)


def test_an_area_is_open_until_it_is_switched_off(cast, clock):
    assert features.off("allocation", cast.northwind, clock.now()) is None
    row = switched_off(cast, clock.now(), "allocation")
    assert features.off("allocation", cast.northwind, clock.now()) == row
    assert features.off("allocation", None, clock.now()) == row
    assert features.off("usage", cast.northwind, clock.now()) is None


def test_off_for_one_partner_leaves_the_others_alone(cast, clock):
    row = switched_off(cast, clock.now(), "sub_account_creation", cast.northwind)
    assert features.off("sub_account_creation", cast.northwind.id, clock.now()) == row
    assert features.off("sub_account_creation", cast.contoso, clock.now()) is None
    assert features.off("sub_account_creation", None, clock.now()) is None


def test_a_time_comes_and_goes_by_the_clock_alone(cast, clock):
    now = clock.now()
    switched_off(cast, now, "keys", from_at=now + HOUR, until_at=now + 2 * HOUR)
    seen = [bool(features.off("keys", cast.northwind, now + hours * HOUR)) for hours in (0, 1, 1.5, 2, 3)]
    assert seen == [False, True, True, False, False]


def test_ending_opens_again_and_stays_in_the_history(cast, clock, acting):
    row = switched_off(cast, clock.now(), "usage")
    clock.advance(hours=1)
    feature_switching.switch_on(acting(cast.olga), row.id)
    assert features.off("usage", cast.northwind, clock.now()) is None
    assert features.off("usage", cast.northwind, clock.now() - HOUR / 2) is not None
    [kept] = feature_switching.history().rows
    assert (kept.made_by, kept.ended_by, kept.texts) == ("Olga Olsen", "Olga Olsen", TEXTS)
    actions = [event.action for event in AuditEvent.select().order_by(AuditEvent.id)]
    assert actions == ["feature.switched_off", "feature.switched_on"]


def test_what_is_over_cannot_be_ended(cast, clock, acting):
    row = switched_off(cast, clock.now(), "usage", until_at=clock.now() + HOUR)
    clock.advance(hours=1)
    with pytest.raises(SwitchRefused):
        feature_switching.switch_on(acting(cast.olga), row.id)
    with pytest.raises(NotFound):
        feature_switching.switch_on(acting(cast.olga), 999)


def test_ending_one_of_two_leaves_the_other(cast, clock, acting):
    first, second = (switched_off(cast, clock.now(), "usage", partner) for partner in (None, cast.northwind))
    feature_switching.switch_on(acting(cast.olga), second.id)
    assert features.off("usage", cast.northwind, clock.now()) == first


def test_the_same_form_twice_switches_once(cast, clock, acting):
    wish = Wish("usage", None, None, None, TEXTS)
    rows = [feature_switching.switch_off(acting(cast.olga), wish, LANGUAGES, "one") for _ in (1, 2)]
    assert rows[0] == rows[1] and FeatureSwitch.select().count() == 1
    with pytest.raises(KeyReused):
        feature_switching.switch_off(acting(cast.olga), Wish("keys", None, None, None, TEXTS), LANGUAGES, "one")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"area": "moon"}, "area"),
        ({"partner_id": 999}, "partner"),
        ({"texts": {"en": "Only English."}}, "text_de"),
        ({"texts": {"en": " ", "de": "Nur Deutsch."}}, "text_en"),
        ({"texts": {"en": "x" * 501, "de": "y"}}, "text_en"),
        ({"from_at": -HOUR}, "from_at"),
        ({"until_at": -HOUR}, "until_at"),
        ({"from_at": 2 * HOUR, "until_at": HOUR}, "until_at"),
    ],
)
def test_what_cannot_be_switched_says_which_field(cast, clock, acting, changes, field):
    values = {"area": "usage", "partner_id": None, "from_at": None, "until_at": None, "texts": TEXTS, **changes}
    values |= {name: clock.now() + values[name] for name in ("from_at", "until_at") if values[name] is not None}
    with pytest.raises(SwitchRefused) as refused:
        feature_switching.switch_off(acting(cast.olga), Wish(**values), LANGUAGES, "one")
    assert refused.value.field == field
    assert FeatureSwitch.select().count() == 0


def test_a_mistyped_area_is_a_fault_and_not_open(cast, clock):
    with pytest.raises(ValueError, match="no area"):
        features.off("alocation", cast.northwind, clock.now())


def test_jobs_ask_row_by_row(cast, clock):
    """The condition of a job is true of the rows of partners for whom the area is on."""
    from tests.models import rows

    mine, other = (rows.make(SubAccount) for _ in (1, 2))
    condition = features.open_to("keys", SubAccount.partner, clock.now())
    assert SubAccount.select().where(condition).count() == 2
    switched_off(cast, clock.now(), "keys", mine.partner)
    assert [row.id for row in SubAccount.select().where(condition)] == [other.id]
    switched_off(cast, clock.now(), "keys")
    assert SubAccount.select().where(condition).count() == 0


def test_the_desk_sees_what_is_off_and_what_is_planned(cast, clock):
    now = clock.now()
    held = switched_off(cast, now, "usage", cast.northwind)
    planned = switched_off(cast, now, "usage", from_at=now + HOUR)
    switched_off(cast, now - 3 * HOUR, "keys", until_at=now - HOUR)
    assert feature_switching.open_switches(now) == {"usage": [held, planned]}


def test_the_history_comes_in_pages(cast, clock, monkeypatch):
    monkeypatch.setattr(feature_switching, "PAGE_SIZE", 2)
    made = [switched_off(cast, clock.now(), "usage").id for _ in range(3)]
    first = feature_switching.history()
    assert [row.id for row in first.rows] == made[:0:-1] and first.before == made[1]
    rest = feature_switching.history(first.before)
    assert ([row.id for row in rest.rows], rest.before) == (made[:1], None)
