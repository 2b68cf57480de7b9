"""What a customer does with the texts of the key page: pastes them and stores a file with a well-known program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.browser.capacity import Pair

BIN = Path(sys.executable).parent
FILE_BYTES = 9_000_000  # larger than one part of the programs' uploads


def store_and_fetch(pair: Pair, program: str, home: Path) -> None:
    """Sends a file of some megabytes and compares what comes back. `home` is an empty folder."""
    sent, back = home / "file.txt", home / "back.txt"
    sent.write_bytes(os.urandom(FILE_BYTES))
    text = pair.snippets[program]
    {"AWS CLI": _aws, "rclone": _rclone, "Python (boto3)": _boto3}[program](pair, text, home)
    assert back.read_bytes() == sent.read_bytes()


def _aws(pair: Pair, text: str, home: Path) -> None:
    """The lines as they stand, pasted into a shell; the way back is the same call turned round."""
    call = next(line for line in text.splitlines() if " s3 cp " in line)
    back = call.replace(f"cp file.txt s3://{pair.bucket}/", f"cp s3://{pair.bucket}/file.txt back.txt")
    run(["sh", "-e", "-c", f"{text}\n{back}"], home, AWS_EC2_METADATA_DISABLED="true")


def _rclone(pair: Pair, text: str, home: Path) -> None:
    config = home / "rclone.conf"
    config.write_text(text)
    remote = f"{pair.number}:{pair.bucket}"
    run(["rclone", "--config", str(config), "copy", "file.txt", remote], home)
    run(["rclone", "--config", str(config), "copyto", f"{remote}/file.txt", "back.txt"], home)


def _boto3(pair: Pair, text: str, home: Path) -> None:
    script = text + f'\ns3.download_file("{pair.bucket}", "file.txt", "back.txt")\n'
    run([sys.executable, "-c", script], home)


def run(command: list[str], home: Path, **environment: str) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    assert shutil.which(command[0], path=path), f"{command[0]} is missing: pip install -r requirements-dev.txt"
    done = subprocess.run(
        command, cwd=home, env={"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
