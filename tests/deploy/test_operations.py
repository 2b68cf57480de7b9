"""The commands of docs/operations.md do what the page says: run one after the other, in a folder of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
RUN_SECONDS = 300

pytestmark = pytest.mark.slow
# What a test cannot have: users, services of the system, packages from the net.
STAND_INS = """
set -eu
groupadd() { :; }
useradd() { :; }
systemctl() { :; }
runuser() { shift 3; "$@"; }
install() {
    kept=""
    while [ "$#" -gt 0 ]; do
        case "$1" in -o | -g) shift 2 ;; *) kept="$kept '$1'"; shift ;; esac
    done
    eval "command install $kept"
}
"""


class Server:
    """The places of the page, moved into a folder; the program is this one."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder = folder
        for name in ("etc", "lib", "backups"):
            (folder / name).mkdir()
        self.places = {
            "python3 -m venv .venv": ":", ".venv/bin/python -m pip": ": ", ".venv/bin/python": sys.executable,
            "/opt/portal": str(ROOT), "/etc/portal": str(folder / "etc"), "/var/lib/portal": str(folder / "lib"),
            "/var/backups/portal": str(folder / "backups"),
        }  # fmt: skip
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self.write(**environment)

    def write(self, **values: str) -> None:
        """The settings file, with what the page says and what the test gives."""
        self.settings = getattr(self, "settings", {}) | values
        lines = [f"{name}='{value}'" for name, value in self.settings.items()]
        (self.folder / "etc" / "portal.env").write_text("\n".join(lines) + "\n")

    def run(self, *blocks: str, fails: bool = False, **more: str) -> str:
        script = STAND_INS + "\n".join(blocks)
        for place, here in self.places.items():
            script = script.replace(place, here)
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, env=self.environment | more, capture_output=True, text=True,
            timeout=RUN_SECONDS,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, script + done.stdout + done.stderr
        return done.stdout + done.stderr

    def backups(self) -> list[Path]:
        return sorted((self.folder / "backups").iterdir())


def blocks(*headings: str) -> list[str]:
    """The commands below a heading, named with the headings above it, up to the next heading."""
    text = PAGE
    for heading in headings:
        level = heading.split(" ")[0]
        text = text.split(f"\n{heading}\n", 1)[1]
        text = re.split(rf"\n#{{1,{len(level)}}} ", text)[0]
    own = re.split(r"\n#+ ", text)[0]
    found = re.findall(r"```sh\n(.*?)```", own, re.DOTALL)
    assert found, headings
    return found


@pytest.fixture
def settings() -> dict[str, str]:
    return {
        "PORTAL_ENV": "development",  # the servers of tests do not wait for the disk
        "PORTAL_PUBLIC_URL": "https://portal.example.com",
        "PORTAL_SECRET_KEY": "x" * 40,
        "PORTAL_DATA_KEYS": Fernet.generate_key().decode(),
        "STORAGE_URL": "memory:",
    }


@pytest.fixture
def sqlite(tmp_path, settings) -> Server:
    where = {"PORTAL_VAR_DIR": str(tmp_path / "lib"), "DATABASE_URL": f"sqlite:///{tmp_path}/lib/portal.db"}
    server = Server(tmp_path, settings | where | {"PORTAL_ENV": "production"})
    installed = server.run(*blocks("## Install"), *blocks("## Install", "### Services"))
    assert "https://portal.example.com/operator/setup/" in installed
    return server


def test_the_installed_database_can_be_written_by_both_users(sqlite):
    assert (sqlite.folder / "lib" / "portal.db").stat().st_mode & 0o777 == 0o660


def test_a_backup_of_sqlite_is_restored_into_restored_mode_which_ends(sqlite):
    sqlite.run(*blocks("## Back up", "### SQLite"))
    [backup] = sqlite.backups()
    assert backup.stat().st_mode & 0o777 == 0o600
    sqlite.run(*blocks("## Install")[-1:])
    told = sqlite.run(*blocks("## Restore", "### SQLite"), BACKUP=str(backup))
    assert "restored mode since" in told and "every promise holds" in told
    assert (sqlite.folder / "lib" / "portal.db.before").exists()
    assert "has ended" in sqlite.run(*blocks("## Restore", "### Bring both sides together"))
    assert "is not on" in sqlite.run(*blocks("## Restore", "### Bring both sides together"), fails=True)


def test_the_data_key_is_replaced_in_the_three_steps(sqlite):
    old, new = sqlite.settings["PORTAL_DATA_KEYS"], Fernet.generate_key().decode()
    check = "set -a; . /etc/portal/portal.env; set +a; cd /opt/portal; .venv/bin/python portal.py rekey --check"
    start = check.replace("rekey --check", "worker --once")
    sqlite.write(PORTAL_DATA_KEYS=f"{old},{new}")
    sqlite.run(start)
    sqlite.write(PORTAL_DATA_KEYS=f"{new},{old}")
    sqlite.run(check, fails=True)
    sqlite.run(start, *blocks("## Replace the data key"), check)
    sqlite.write(PORTAL_DATA_KEYS=new)
    sqlite.run(start, check)
    sqlite.write(PORTAL_DATA_KEYS=old)
    assert "No key in PORTAL_DATA_KEYS" in sqlite.run(start, fails=True)


def test_a_lost_data_key_is_got_over(sqlite):
    sqlite.write(PORTAL_DATA_KEYS=Fernet.generate_key().decode())
    start = "set -a; . /etc/portal/portal.env; set +a; cd /opt/portal; .venv/bin/python portal.py worker --once"
    assert "docs/operations.md" in sqlite.run(start, fails=True)
    count, clear = blocks("## When something goes wrong", "### The data key is lost")
    lost = re.search(r"opens (\d+) values", sqlite.run(count, fails=True))[1]
    sqlite.run(clear, LOST=str(int(lost) + 1), fails=True)
    sqlite.run(clear, start, LOST=lost)


def test_an_upgrade_makes_a_backup_and_changes_the_tables(sqlite):
    sqlite.run(*blocks("## Upgrade"))
    assert [path.name[:14] for path in sqlite.backups()] == ["before-upgrade"]


def test_the_nightly_check_runs(sqlite):
    assert "every promise holds" in sqlite.run(*blocks("## Watch"))


def test_a_backup_of_postgres_is_restored_into_restored_mode(tmp_path, settings, postgres_server, request):
    worker = getattr(request.config, "workerinput", {}).get("workerid", "main")
    name = f"operations_{worker}"
    url = postgres.fresh_database(postgres_server, name)
    postgres.fresh_database(postgres_server, f"{name}_restored")
    address = re.search(r"//(?P<user>\w+)@(?P<host>[^:/]+):(?P<port>\d+)/", url)
    server = Server(tmp_path, settings | {"PORTAL_VAR_DIR": str(tmp_path / "lib"), "DATABASE_URL": url})
    server.environment |= {
        "PATH": f"{postgres.programs()}:{os.environ['PATH']}", "PGHOST": address["host"], "PGPORT": address["port"],
        "PGUSER": address["user"],
    }  # fmt: skip
    server.places |= {
        "pg_dump --format=custom --no-owner portal ": f"pg_dump --format=custom --no-owner {name} ",
        "createdb --owner=portal portal_restored": f"dropdb {name}_restored\ncreatedb --owner=portal {name}_restored",
        "--dbname=portal_restored": f"--dbname={name}_restored",
    }
    server.run(*blocks("## Install")[-1:], *blocks("## Back up", "### Postgres"))
    [backup] = server.backups()
    assert backup.stat().st_mode & 0o777 == 0o600
    first, second = blocks("## Restore", "### Postgres")
    server.run(first, BACKUP=str(backup))
    server.write(DATABASE_URL=f"{url}_restored")
    told = server.run(second)
    assert "restored mode since" in told and "every promise holds" in told


def units() -> dict[str, dict[str, str]]:
    found = re.findall(r"`/etc/systemd/system/portal-(\w+)\.service`:\n\n```ini\n(.*?)```", PAGE, re.DOTALL)
    return {name: dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE)) for name, unit in found}


def test_the_two_services_are_two_users_and_only_the_worker_sees_the_credentials():
    web, worker = units()["web"], units()["worker"]
    assert web["User"] != worker["User"] and web["Group"] == worker["Group"]
    credentials = re.search(r"^STORAGE_CREDENTIALS_FILE=(\S+)$", PAGE, re.MULTILINE)[1]
    assert web["InaccessiblePaths"] == f"-{credentials}" and "InaccessiblePaths" not in worker
    assert f"`{credentials}` belongs to `{worker['User']}`, mode 0600" in PAGE
    assert (web["ExecStart"].split()[-1], worker["ExecStart"].split()[-1]) == ("serve", "worker")


def test_every_command_of_the_page_is_run_or_named_here():
    """A new block of commands below a heading that no test knows fails."""
    known = {
        "## Install", "### Services", "### SQLite", "### Postgres", "### Bring both sides together",
        "## Replace the data key", "## Upgrade", "## Watch", "### The data key is lost",
    }  # fmt: skip
    sections = re.split(r"\n(?=#{2,3} )", PAGE)
    assert {section.split("\n")[0] for section in sections if "```sh" in section} == known
