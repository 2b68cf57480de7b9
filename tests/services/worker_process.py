"""Runs the worker as its own process would, with a storage in memory that does what a test asks for.

Arguments: database address, data key, var folder, and one of
`well`: nothing special; `busy FOLDER`: makes a file `begun` in the middle of the first put_account and goes on when
there is a file `go`; `measuring FOLDER`: the same in each measure; `broken`: counting for quotas fails in a way
that nobody foresaw; `regions FOLDER`: two regions by the file `regions.toml` there; each look at Hamburg waits.
"""

import logging
import sys
import threading
import time
from pathlib import Path

from models.base import open_database
from services import worker, worker_sites
from services.clock import SystemClock
from services.secret import Secret
from services.settings import Settings
from services.storage.memory import MemoryStorage

LONGEST_SECONDS = 60


class Busy(MemoryStorage):
    folder = Path()

    def put_account(self, *args, **kwargs) -> None:
        self.wait()
        super().put_account(*args, **kwargs)

    def wait(self) -> None:
        (self.folder / "begun").touch()
        until = time.monotonic() + LONGEST_SECONDS
        while not (self.folder / "go").exists() and time.monotonic() < until:
            threading.Event().wait(0.02)


class Measuring(Busy):
    def put_account(self, *args, **kwargs) -> None:
        MemoryStorage.put_account(self, *args, **kwargs)

    def measure(self, *args, **kwargs):
        self.wait()
        return super().measure(*args, **kwargs)


class Hanging(Busy):
    def read_account(self, uid: str):
        self.wait()
        return super().read_account(uid)

    def list_accounts(self, prefix: str):
        self.wait()
        return super().list_accounts(prefix)


class Broken(MemoryStorage):
    def enforce(self, uid: str):
        raise RuntimeError("nobody foresaw this")


def main(url: str, data_key: str, var_dir: str, mode: str, folder: str = ".") -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    kinds = {"well": MemoryStorage, "busy": Busy, "measuring": Measuring, "broken": Broken}

    def opened(address, _credentials) -> MemoryStorage:
        kind = kinds.get(mode) or (Hanging if "hamburg" in address.endpoint else MemoryStorage)
        storage = kind(hard_quota="delayed", quota_delay_seconds=2)
        storage.folder = Path(folder)
        return storage

    worker_sites.open_storage = opened
    open_database(url)
    file = Path(folder) / "regions.toml" if mode == "regions" else None
    settings = Settings(Secret("x" * 40), (data_key,), url, Path(var_dir), storage_file=file)
    worker.run(settings, SystemClock())


if __name__ == "__main__":
    main(*sys.argv[1:])
