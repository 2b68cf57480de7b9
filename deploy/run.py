"""`make run`: checks this machine, migrates, runs everything until Ctrl-C, makes sample data the first time.

Settings come from the environment and `.env`, as everywhere. STORAGE_URL and PORTAL_STORAGE_FILE unset: an embedded
storage server runs too, on STORAGE_PORT (8333) and what it says it needs beside it.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from dotenv import load_dotenv
from honcho import manager as honcho_manager
from honcho.environ import parse_procfile

from deploy.after import wait_for
from services.settings import SettingMissing, Settings, read_settings
from services.storage.embedded import embedded_url
from services.storage.embedded_files import GRPC_DISTANCE, service_ports
from services.storage.embedded_process import EmbeddedFailed, find_binary

ROOT = Path(__file__).resolve().parent.parent
LEAST_FREE_BYTES = 1_000_000_000
STOP_SECONDS = 15  # the storage server writes its data down before it ends


class CannotRun(Exception):
    """One sentence for whoever typed `make run`."""


def main() -> int:
    os.chdir(ROOT)
    load_dotenv()
    try:
        settings = prepare()
    except (CannotRun, EmbeddedFailed, SettingMissing) as failure:
        print(failure, file=sys.stderr)
        return 1
    if subprocess.run([sys.executable, "portal.py", "init"], check=False).returncode:
        return 1
    return run(settings)


def prepare() -> Settings:
    """Completes the environment for the processes and checks what they need. Raises with one sentence."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["PYTHONUNBUFFERED"] = "1"
    folder = Path(os.environ.get("PORTAL_VAR_DIR") or "var").resolve()
    os.environ["PORTAL_VAR_DIR"] = str(folder)
    check_disk(folder)
    settings = read_settings()
    own_storage = not (os.environ.get("STORAGE_URL") or os.environ.get("PORTAL_STORAGE_FILE"))
    if own_storage:
        port = storage_port()
        os.environ["STORAGE_PORT"] = str(port)
        os.environ["STORAGE_URL"] = embedded_url(port)
        os.environ["STORAGE_CREDENTIALS_FILE"] = str(settings.var_dir / "storage" / "credentials.json")
        find_binary()
    else:
        os.environ["STORAGE_PORT"] = ""
    check_port(settings.port, "the portal", "PORTAL_PORT")
    for number in service_ports(int(os.environ["STORAGE_PORT"])).values() if own_storage else ():
        for wanted in (number, number + GRPC_DISTANCE):
            check_port(wanted, "the storage server", "STORAGE_PORT")
    return settings


def storage_port() -> int:
    text = os.environ.get("STORAGE_PORT") or "8333"
    if not text.isdigit() or not 1024 <= int(text) <= 55_000:
        raise CannotRun(f"STORAGE_PORT must be a port between 1024 and 55000, not {text!r}.")
    return int(text)


def check_disk(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(folder).free
    except OSError as failure:
        raise CannotRun(f"The folder {folder} cannot be used for data: {failure.strerror}.") from failure
    if free_bytes < LEAST_FREE_BYTES:
        raise CannotRun(
            f"Only {free_bytes // 10**6} MB are free for {folder}: "
            f"make room until {LEAST_FREE_BYTES // 10**6} MB are free, then start again."
        )


def check_port(number: int, whose: str, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            raise CannotRun(
                f"Port {number}, which {whose} needs, is taken: stop the other program (an earlier make run, perhaps) "
                f"or set {setting} to another port."
            ) from None


class SampleData:
    """`portal.py demo`, in a session of its own: Ctrl-C at the terminal is for this program, which ends it with all."""

    def __init__(self) -> None:
        self._turn, self._over = threading.RLock(), False  # a second Ctrl-C comes in the midst of `end`
        self._process: subprocess.Popen[str] | None = None

    def make(self) -> str | None:
        """What is to be said of it; None when `end` came in between: the next start makes what is missing."""
        with self._turn:
            if self._over:
                return None
            self._process = subprocess.Popen(
                [sys.executable, "portal.py", "demo"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        said, complaint = self._process.communicate()
        with self._turn:
            return None if self._over else said.strip() or f"No sample data was made: {complaint.strip()}"

    def end(self) -> None:
        with self._turn:
            self._over = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()  # at any moment: each of its steps is one transaction


class Manager(honcho_manager.Manager):
    """Ends what makes the sample data before the storage server goes, which it speaks to."""

    def __init__(self, sample: SampleData) -> None:
        super().__init__()
        self._sample = sample

    def terminate(self) -> None:
        self._sample.end()
        super().terminate()


def run(settings: Settings) -> int:
    """Until Ctrl-C, or until one process ends by itself: then the others are ended too and this answers 1."""
    honcho_manager.KILL_WAIT = STOP_SECONDS
    sample = SampleData()
    manager = Manager(sample)
    for name, command in parse_procfile((ROOT / "deploy" / "Procfile.local").read_text()).processes.items():
        if name != "storage" or os.environ["STORAGE_PORT"]:
            manager.add_process(name, command)
    threading.Thread(target=welcome, args=(settings, sample), daemon=True).start()
    manager.loop()
    sample.end()
    asked_to_end = manager.returncode in (130, 143)
    return 0 if asked_to_end else 1


def welcome(settings: Settings, sample: SampleData) -> None:
    """Once the portal answers: sample data, and what a person needs to know."""
    if not wait_for(settings.port):
        return
    if not settings.production:
        said = sample.make()
        if said is None:
            return
        print(said, flush=True)
    mails = "are sent by the server in SMTP_URL" if settings.smtp_url else f"land in {settings.mail_dir}"
    print(f"\nThe portal is at {settings.public_url}\nMails {mails}\nCtrl-C ends everything.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
