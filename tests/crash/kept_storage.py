"""A storage service that outlives its callers: each call reads what stands in a file and writes it back at once."""

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

from services.secret import Secret
from services.storage.contract import Storage
from tests.services.ground import WatchedStorage


class _Pickler(pickle.Pickler):
    """Secrets refuse to be written out; here they are those of a storage that only tests know."""

    def reducer_override(self, obj):
        return (Secret, (obj.reveal(),)) if isinstance(obj, Secret) else NotImplemented


class KeptStorage(WatchedStorage):
    """`at_point` is called with a name before and after each call, when its effect is in the file."""

    def __init__(self, path: Path, **capabilities):
        super().__init__(**capabilities)
        self.path = path
        self.at_point: Callable[[str], None] = lambda name: None
        self.save()

    def load(self) -> None:
        self._state, self.most_bytes = pickle.loads(self.path.read_bytes())  # noqa: S301

    def save(self) -> None:
        box = io.BytesIO()
        _Pickler(box).dump((self._state, self.most_bytes))
        draft = self.path.with_suffix(".part")
        draft.write_bytes(box.getvalue())
        os.replace(draft, self.path)


def _kept(name: str):
    def call(self, *args, **kwargs):
        self.at_point(f"{name} begins")
        self.load()
        result = getattr(WatchedStorage, name)(self, *args, **kwargs)
        self.save()
        self.at_point(f"{name} done")
        return result

    return call


for _name in Storage.OPERATIONS:
    setattr(KeptStorage, _name, _kept(_name))
