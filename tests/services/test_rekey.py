"""Rotation of the data key: under load, after a kill, and what is said when a key is missing."""

import os
import re
import signal
import traceback
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from peewee import TextField

from models.audit import AuditEvent
from models.base import database
from models.recovery import Home
from models.second_factor import Totp
from models.session import Session
from models.sub_account import AT_ONCE, AccessKey, HandOver, Region
from services import rekey, start_up
from services.promises import SEALED as BEGINS
from services.rekey import OlderKeyNeeded
from services.secret import Secret, Vault
from tests.conftest import DATA_KEY
from tests.models import rows
from tests.services.ground import GB
from tests.services.key_load import KeyLoad

ALL = str(len(rekey.SEALED))
NEW, NEWER = (Fernet.generate_key().decode() for _ in range(2))
CAN = {"key_inactive": False, "key_secret": True}


def text_columns():
    return [field for table in rows.all_tables() for field in table._meta.sorted_fields if isinstance(field, TextField)]


def name(field) -> str:
    return f"{field.model._meta.table_name}.{field.column_name}"


def test_every_column_that_is_named_as_sealed_is_known():
    named = {name(field) for field in text_columns() if re.search(r"_ct$|sealed", field.column_name)}
    assert {name(field) for field in rekey.SEALED} == named


def holds_ciphertexts() -> set[str]:
    """Columns in which something begins as what a Vault has sealed."""
    return {
        name(field)
        for field in text_columns()
        if field.model.select().where(field.cast("TEXT").startswith(BEGINS)).exists()
    }


@pytest.fixture
def kept(ground, settings, clock):
    """A sub-account with every kind of sealed value."""
    load = KeyLoad(ground, **CAN)
    start_up.fit_keys(settings)
    load._one_life(1, 1)
    row = ground.account("B", GB)
    key = load._live_key(row, 1)
    vault = Vault(settings.data_keys)
    shown, parked = vault.seal(Secret("shown")), vault.seal(Secret("parked"))
    AccessKey.update(secret_ct=shown, parked_ct=parked).where(AccessKey.id == key.id).execute()
    rows.make(HandOver, access_key=key, sealed=vault.seal(Secret("handed")))
    seeds = {name: vault.seal(Secret(name)) for name in ("seed_ct", "wanted_ct")}
    rows.make(Totp, **seeds, wanted_at=rows.NOW, confirmed_at=rows.NOW)
    for field in rekey.SEALED:  # what needs nothing beside it
        if not field.model.select().where(field.is_null(False)).exists():
            rows.make(field.model, **{field.name: vault.seal(Secret(field.name))})
    return load


def test_what_is_really_sealed_stands_in_the_known_columns(kept):
    assert holds_ciphertexts() == {name(field) for field in rekey.SEALED}


def opened(*keys: str) -> dict:
    vault = Vault(keys)
    return {
        (name(field), row_id): vault.open(text).reveal()
        for field in rekey.SEALED
        for row_id, text in field.model.select(field.model.id, field).where(field.is_null(False)).tuples()
    }


def test_everything_is_sealed_anew_and_says_the_same(kept, settings, acting):
    before, both = opened(DATA_KEY), replace(settings, data_keys=(NEW, DATA_KEY))
    assert sum(standing.older for standing in rekey.look(both)) == len(before)
    standings = rekey.rekey(acting(), both)
    assert sum(standing.anew for standing in standings) == len(before) == len(rekey.SEALED)
    assert opened(NEW) == before
    assert AuditEvent.select().where(AuditEvent.action == "data_key.rotated").count() == 1


def test_a_second_run_changes_nothing(kept, settings, acting):
    both = replace(settings, data_keys=(NEW, DATA_KEY))
    rekey.rekey(acting(), both)
    before = [list(field.model.select(field).tuples()) for field in rekey.SEALED]
    assert not any(standing.anew for standing in rekey.rekey(acting(), both))
    assert [list(field.model.select(field).tuples()) for field in rekey.SEALED] == before
    assert AuditEvent.select().where(AuditEvent.action == "data_key.rotated").count() == 1


def test_what_changes_between_reading_and_writing_is_not_overwritten(kept, settings, acting, monkeypatch):
    """The partner says that the secret is stored, and it is destroyed, at the worst moment."""
    both = replace(settings, data_keys=(NEW, DATA_KEY))
    key = AccessKey.get(AccessKey.secret_ct.is_null(False))
    replace_one = rekey._replace

    def late(column, row_id, old, new):
        if column is AccessKey.secret_ct and row_id == key.id:
            AccessKey.update(secret_ct=None).where(AccessKey.id == key.id).execute()
        return replace_one(column, row_id, old, new)

    monkeypatch.setattr(rekey, "_replace", late)
    rekey.rekey(acting(), both)
    assert AccessKey.get_by_id(key.id).secret_ct is None


def test_the_rotation_under_load_fails_nobody_and_then_the_old_key_is_needed_no_more(ground, settings, acting):
    load = KeyLoad(ground, **CAN)
    start_up.fit_keys(settings)
    with load.running(threads=4):
        old = DATA_KEY
        for new in (NEW, NEWER):
            load.restart_with(old, new)  # every process opens with the new key before any seals with it
            load.wait_for(4)
            both = load.restart_with(new, old)
            rekey.rekey(acting(), both)
            load.wait_for(5)  # whatever began with the old order has ended
            rekey.rekey(acting(), both)
            assert not any(standing.older or standing.lost for standing in rekey.look(both))
            load.restart_with(new)
            load.wait_for(5)
            old = new
    assert load.failures == []
    assert load.done > 25
    assert all(opened(NEWER).values())
    ground.sites.append(load.site(9))  # its secrets are compared when the test ends


def killed_in_rekey(settings, act, after: int) -> bool:
    """Runs in a child that kills itself after so many replaced values; True: it was killed."""
    database.close_all()
    child = os.fork()
    if child == 0:
        try:
            replace_one, done = rekey._replace, iter(range(1, 1000))

            def deadly(*pair):
                changed = replace_one(*pair)
                if next(done) == after:
                    os.kill(os.getpid(), signal.SIGKILL)
                return changed

            rekey._replace = deadly
            rekey.rekey(act, settings)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(3)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_killed_run_goes_on_where_it_was(kept, settings, acting, monkeypatch):
    monkeypatch.setattr(rekey, "BATCH", 2)
    before, both = opened(DATA_KEY), replace(settings, data_keys=(NEW, DATA_KEY))
    left = [sum(standing.older for standing in rekey.look(both))]
    while killed_in_rekey(both, acting(), after=3):
        assert opened(NEW, DATA_KEY) == before, "at every moment both keys together open everything"
        left.append(sum(standing.older for standing in rekey.look(both)))
        assert len(left) < 20
    assert len(left) > 2 and left == sorted(left, reverse=True)
    assert opened(NEW) == before


def command(app, *arguments):
    return app.test_cli_runner().invoke(args=["rekey", *arguments])


def test_the_command_says_how_it_stands(kept, make_app):
    app = make_app(data_keys=(NEW, DATA_KEY))
    waiting = command(app, "--check")
    assert waiting.exit_code == 1 and "An older key is still needed" in waiting.output
    assert opened(DATA_KEY)
    done = command(app)
    assert done.exit_code == 0 and "older ones are no longer needed" in done.output
    assert command(app, "--check").exit_code == 0
    app.settings = replace(app.settings, data_keys=(NEW,))
    assert command(app, "--check").exit_code == 0


def test_without_the_key_the_portal_does_not_start_and_says_why(kept, make_app, settings, clock):
    wrong = replace(settings, data_keys=(NEW,))
    with pytest.raises(start_up.CannotStart, match="No key in PORTAL_DATA_KEYS"):
        start_up.prepare(wrong, clock)
    app = make_app(data_keys=(NEW,))
    for arguments in (["serve"], ["worker", "--once"]):
        answer = app.test_cli_runner().invoke(args=arguments)
        assert answer.exit_code == 1 and "No key in PORTAL_DATA_KEYS" in answer.output


@pytest.fixture
def stopped():
    """No process of the portal is at work: the service has stood still for a while."""
    Region.update(tended_at=None).execute()
    Session.update(last_seen_at=AT_ONCE).execute()


def counted(answer) -> str:
    return re.search(r"opens (\d+) values", answer.output)[1]


def test_a_lost_key_costs_what_it_sealed_and_nothing_else(kept, stopped, make_app, settings, clock):
    app = make_app(data_keys=(NEW,))
    assert command(app).exit_code == 1
    assert opened(DATA_KEY), "without being told to, nothing is cleared"
    checked = command(app, "--check")
    assert checked.exit_code == 1 and "They open nothing at all in this database" in checked.output
    assert counted(checked) == str(len(rekey.SEALED))
    answer = command(app, "--forget", counted(checked))
    assert answer.exit_code == 0, answer.output
    before, after = answer.output.splitlines()[:2]
    assert before.startswith(f"clearing {ALL} values for good. They open nothing at all")
    assert f"{ALL} values cleared" in after
    assert opened(NEW) == {}
    start_up.prepare(app.settings, clock)
    assert Vault((NEW,)).open(Home.get().probe_ct)
    assert AccessKey.select().where(AccessKey.phase == "live").exists()


@pytest.mark.parametrize("arguments", ["--forget 4", "--forget 0", f"--forget {ALL} --check", "--forget"])
def test_nothing_is_cleared_but_by_the_number_that_was_counted(kept, stopped, make_app, arguments):
    answer = command(make_app(data_keys=(NEW,)), *arguments.split())
    assert answer.exit_code != 0 and f"{ALL} values" not in answer.output
    assert len(opened(DATA_KEY)) == len(rekey.SEALED)


def test_nothing_is_cleared_with_the_right_keys(kept, stopped, app):
    assert command(app, "--forget", ALL).exit_code == 1
    assert len(opened(DATA_KEY)) == len(rekey.SEALED)


@pytest.mark.parametrize("who", ["worker", "somebody"])
def test_nothing_is_cleared_beside_a_process_that_may_hold_the_right_keys(kept, stopped, make_app, clock, who):
    seen_at = clock.now() - timedelta(seconds=119)
    if who == "worker":
        Region.update(tended_at=seen_at).execute()
    else:
        rows.make(Session, last_seen_at=seen_at)
    app = make_app(data_keys=(NEW,))
    answer = command(app, "--forget", ALL)
    assert answer.exit_code == 1 and "Stop both services" in answer.output
    assert len(opened(DATA_KEY)) == len(rekey.SEALED)
    clock.advance(seconds=1)
    assert command(app, "--forget", ALL).exit_code == 0


def test_a_missing_key_that_the_portal_worked_with_is_told_from_one_that_was_lost_long_ago(kept, stopped, make_app):
    kept_elsewhere = Vault((NEW,)).seal(Secret("kept"))
    AccessKey.update(retained_ct=kept_elsewhere).where(AccessKey.retained_ct.is_null(False)).execute()
    app = make_app(data_keys=(NEW,))
    assert "With these keys the portal does not start" in command(app, "--check").output
    app.settings = replace(app.settings, data_keys=(DATA_KEY,))
    without_another = command(app, "--check")
    assert without_another.exit_code == 1 and counted(without_another) == "1"
    assert "does not start" not in without_another.output and "nothing at all" not in without_another.output


def test_a_process_with_the_old_order_is_found_out(kept, settings, acting, monkeypatch):
    """It seals with the old key again and again: the command ends, and says what to do."""
    both, old = replace(settings, data_keys=(NEW, DATA_KEY)), Vault((DATA_KEY,))
    monkeypatch.setattr(rekey, "MOST_PASSES", 3)
    look = rekey.look

    def sealed_again(given):
        Home.update(probe_ct=old.seal(Secret("again"))).execute()
        return look(given)

    monkeypatch.setattr(rekey, "look", sealed_again)
    with pytest.raises(OlderKeyNeeded, match="Start every process"):
        rekey.rekey(acting(), both)
