"""`sweep --now`: what another day would bring, without its doing so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from peewee import IntegrityError

from models.contract import Contract
from models.outbox import Mail
from models.sub_account import SubAccount
from services import contracts_access, drill, mail_sending
from services.command_line import NotDone

DAY = "2027-01-01T00:30+01:00"


@pytest.fixture(autouse=True)
def account(ground):
    Contract.update(ends_on=date(2026, 12, 31)).where(Contract.number == "RCP-1001").execute()
    return ground.account("Adler AG", 10**12)


def drilled(settings, clock, time: str, **more) -> list[str]:
    return list(drill.from_command(settings, clock, time, **more))


def test_a_drill_says_what_would_happen_and_changes_nothing(settings, clock, cast):
    lines = drilled(settings, clock, DAY)
    assert "contract RCP-1001 is expired" in lines
    assert any(line.startswith(f"mail to {cast.alice.email}: Contract RCP-1001 is over") for line in lines)
    assert any("1 sub-accounts barred" in line for line in lines)
    assert "nothing was changed" in lines[-1]
    assert Contract.get(Contract.number == "RCP-1001").state == "active" and not Mail.select().exists()


def test_a_time_without_a_zone_is_utc_and_what_is_no_time_is_refused(settings, clock):
    assert "contract RCP-1001 is expired" not in drilled(settings, clock, "2026-12-31T22:59")
    assert "contract RCP-1001 is expired" in drilled(settings, clock, "2026-12-31T23:01")
    with pytest.raises(NotDone, match="is not a time"):
        drilled(settings, clock, "tomorrow")


def test_a_drill_is_kept_on_demand_and_writes_to_nobody(settings, clock, cast):
    lines = drilled(settings, clock, DAY, keep=True)
    assert "the changes are kept" in lines[-1]
    assert Contract.get(Contract.number == "RCP-1001").state == "expired"
    assert mail_sending.send_due(settings, datetime(2028, 1, 1, tzinfo=UTC)) == 0
    assert {mail.last_error for mail in Mail.select()} == {drill.NOT_SENT}


def test_production_drills_only_on_demand_and_keeps_no_drill(settings, clock):
    production = replace(settings, production=True)
    with pytest.raises(NotDone, match=r"says production.*--anyway"):
        drilled(production, clock, DAY)
    assert "nothing was changed" in drilled(production, clock, DAY, anyway=True)[-1]
    with pytest.raises(NotDone, match="not kept in production"):
        drilled(production, clock, DAY, keep=True, anyway=True)
    with pytest.raises(NotDone, match="belong to --now"):
        drilled(settings, clock, None, keep=True)
    with pytest.raises(NotDone, match="belong to --now"):
        drilled(settings, clock, None, anyway=True)


def test_a_time_far_ahead_is_a_mistake_unless_it_is_said_twice(settings, clock):
    last = clock.now() + drill.FURTHEST
    assert drilled(settings, clock, last.isoformat())
    too_far = (last + timedelta(seconds=1)).isoformat()
    with pytest.raises(NotDone, match=r"more than 800 days ahead.*--anyway"):
        drilled(settings, clock, too_far)
    assert drilled(settings, clock, too_far, anyway=True)


def test_a_drill_says_where_and_for_when_it_was_and_what_could_not_be_done(settings, clock, cast, monkeypatch, engine):
    first = drilled(settings, clock, DAY)[0]
    assert first.startswith("a drill for 2026-12-31T23:30+00:00, 304 days ahead, on ")
    assert ("postgres" in first) == (engine == "postgres") and "@" not in first
    real = contracts_access.record

    def record(act, action, *args, **more):
        real(act, action, *args, **more)
        if action == "sub_account.barred":
            raise IntegrityError("this row")

    monkeypatch.setattr(contracts_access, "record", record)
    lines = drilled(settings, clock, DAY, keep=True)
    assert sum(line.startswith("could not be done: barring of sub-account ") for line in lines) == 1
    assert "contract RCP-1001 is expired" in lines
    assert SubAccount.get().barred_at is None, "what failed is taken back, the rest is kept"


def test_without_a_time_it_is_the_real_thing(app, clock, acting, settings):
    Contract.update(ends_on=date(2026, 3, 1)).where(Contract.number == "RCP-1001").execute()
    done = app.test_cli_runner().invoke(args=["sweep"])
    assert "contract RCP-1001 is expired" in done.output, done.output
    done = app.test_cli_runner().invoke(args=["sweep", "--now", "soon"])
    assert done.exit_code == 1 and "is not a time" in done.output
    told = app.test_cli_runner().invoke(args=["sweep", "--help"]).output
    assert all(word in told for word in ("--now", "--keep", "--anyway", "taken back", "800 days"))
