"""How long a log-in lasts, by role, and what a browser says of itself in words."""

import pytest

from services import session_limits
from services.devices import device
from services.session_limits import LimitRefused
from services.settings import SettingMissing, read_settings

STANDARD = {
    "member_idle_minutes": 60, "member_session_hours": 24, "operator_idle_minutes": 15, "operator_session_hours": 12,
}  # fmt: skip


def test_without_a_setting_the_limits_are_those_of_the_threat_model(tmp_path):
    settings = read_settings({"PORTAL_VAR_DIR": str(tmp_path)})
    minutes = {
        role: (limit.idle.total_seconds() / 60, limit.whole.total_seconds() / 3600)
        for role in session_limits.MEMBER_ROLES + session_limits.OPERATOR_ROLES
        for limit in (session_limits.limit(settings, role),)
    }
    assert set(minutes.values()) == {(60, 24), (15, 12)}
    assert minutes["viewer"] == (60, 24) and minutes["support"] == (15, 12)


def test_a_role_has_its_own(tmp_path):
    text = "viewer=30/12, owner = 10 / 8"
    settings = read_settings({"PORTAL_VAR_DIR": str(tmp_path), "PORTAL_SESSION_LIMITS": text})
    assert settings.session_limits == {"viewer": (30, 12), "owner": (10, 8)}
    assert session_limits.limit(settings, "owner").idle.total_seconds() == 600
    assert session_limits.limit(settings, "admin").idle.total_seconds() == 3600


@pytest.mark.parametrize("text", ["boss=30/12", "viewer=30", "viewer", "viewer=x/1", "viewer=30/12/1", "viewer=-5/1"])
def test_what_cannot_be_read_says_how_it_is_written(text):
    with pytest.raises(LimitRefused, match=r"viewer=30/12, owner=10/8"):
        session_limits.read(text, STANDARD)


@pytest.mark.parametrize("text", ["viewer=4/12", "viewer=61/12", "viewer=30/0", "owner=15/25"])
def test_out_of_bounds_is_refused(text):
    with pytest.raises(LimitRefused, match="can last from"):
        session_limits.read(text, STANDARD)


@pytest.mark.parametrize("name", ["PORTAL_MEMBER_IDLE_MINUTES", "PORTAL_OPERATOR_SESSION_HOURS"])
def test_the_portal_does_not_start_with_a_log_in_that_lasts_for_ever(tmp_path, name):
    with pytest.raises(SettingMissing, match="can last from"):
        read_settings({"PORTAL_VAR_DIR": str(tmp_path), name: "9000"})


BROWSERS = [
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
        "Edge",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
        "Chrome",
        "macOS",
    ),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/19.0 Safari/605.1.15", "Safari", "macOS"),
    (
        "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Chrome",
        "Android",
    ),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E Safari/604.1", "Safari", "iPhone"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/140.0 Mobile/15E Safari/604.1", "Chrome", "iPhone"),
    ("curl/8.5", "", ""),
    ("", "", ""),
]


@pytest.mark.parametrize(("user_agent", "browser", "system"), BROWSERS)
def test_a_device_is_named_as_people_know_it(user_agent, browser, system):
    assert device(user_agent) == (browser, system)
