"""The command that operators have says the same as these tests do: well after a death in the middle, ill where one side
was changed by hand."""

import os
import subprocess
import sys

from models.base import database
from tests.crash.far_storage import ROOT

MIDDLE = 60


def asked(settings, port: int) -> subprocess.CompletedProcess:
    database.obj.close_all()
    environment = {
        "PATH": os.environ["PATH"],
        "PORTAL_SECRET_KEY": settings.secret_key.reveal(),
        "PORTAL_DATA_KEYS": ",".join(settings.data_keys),
        "PORTAL_VAR_DIR": str(settings.var_dir),
        "DATABASE_URL": settings.database_url,
    }
    program = [sys.executable, "-m", "tests.crash.check_command", str(port)]
    return subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_the_command_finds_nothing_after_a_death_and_says_what_is_wrong(tell, service, settings):
    lives = tell("capacity").lives
    lives.begin()
    assert lives.live(MIDDLE)
    assert not lives.live()
    well = asked(settings, service.port)
    assert (well.returncode, well.stdout) == (0, "every promise holds\n"), well.stderr
    uid = service.list_accounts("pp-")[0]
    service.put_quota(uid, 1)
    ill = asked(settings, service.port)
    assert ill.returncode == 1
    assert "has the quota 1 there" in ill.stdout
