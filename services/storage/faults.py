"""Faults on demand for the storage in memory: failures, slowness, lost answers, old answers."""

import copy
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from services.storage.contract import StorageError, StorageUnavailable

P = ParamSpec("P")
R = TypeVar("R")

EVERY = "*"


class Call(NamedTuple):
    """One call as it arrived, whether it succeeded or not. Secrets in `arguments` do not print."""

    operation: str
    arguments: tuple[Any, ...]


@dataclass
class Faults:
    """What the next calls will suffer. Operations are named as in `Storage.OPERATIONS`; "*" stands for each of them."""

    failures: dict[str, list[StorageError]] = field(default_factory=dict)
    lost_answers: dict[str, int] = field(default_factory=dict)
    delays_seconds: dict[str, float] = field(default_factory=dict)
    old_state: Any = None
    old_answers: int = 0

    def failure(self, operation: str) -> StorageError | None:
        for name in (operation, EVERY):
            if self.failures.get(name):
                return self.failures[name].pop(0)
        return None

    def loses_answer(self, operation: str) -> bool:
        for name in (operation, EVERY):
            if self.lost_answers.get(name, 0) > 0:
                self.lost_answers[name] -= 1
                return True
        return False

    def delay_seconds(self, operation: str) -> float:
        return self.delays_seconds.get(operation, self.delays_seconds.get(EVERY, 0))


class Faulty(Protocol):
    calls: list[Call]
    _faults: Faults
    _lock: Any
    _state: Any


S = TypeVar("S", bound=Faulty)


def operation(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Records the call, then lets it suffer what was asked for: slow, failing before, done with the answer lost."""
    name = method.__name__

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            self.calls.append(Call(name, (*args, *kwargs.values())))
            failure, delay_seconds = self._faults.failure(name), self._faults.delay_seconds(name)
        if delay_seconds:
            time.sleep(delay_seconds)
        if failure:
            raise failure
        with self._lock:
            result = method(self, *args, **kwargs)
            if self._faults.loses_answer(name):
                raise StorageUnavailable(f"{name}: no answer in time")
            return result

    return call


def reading(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """An operation that can be answered from the state of a moment ago."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if not self._faults.old_answers:
            return method(self, *args, **kwargs)
        self._faults.old_answers -= 1
        present, self._state = self._state, copy.deepcopy(self._faults.old_state)
        try:
            return method(self, *args, **kwargs)
        finally:
            self._state = present

    return operation(call)


class FaultControls:
    """What a test says to a storage that it wants to see misbehave."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._lock = threading.RLock()
        self._faults = Faults()
        self._state: Any = None

    def fail(self, operation: str, times: int = 1, error: StorageError | None = None) -> None:
        """The next `times` calls raise `error` (default StorageUnavailable) and do nothing."""
        failure = error or StorageUnavailable(f"{operation}: the storage service does not answer")
        with self._lock:
            self._faults.failures.setdefault(operation, []).extend([failure] * times)

    def drop_answer(self, operation: str, times: int = 1) -> None:
        """The next `times` calls do their work and then raise StorageUnavailable: a time-out after the effect."""
        with self._lock:
            self._faults.lost_answers[operation] = self._faults.lost_answers.get(operation, 0) + times

    def slow(self, operation: str, seconds: float) -> None:
        """Each call waits so long before it does anything; 0 ends that."""
        with self._lock:
            self._faults.delays_seconds[operation] = seconds

    def answer_old(self, times: int = 1) -> None:
        """The next `times` reads (read_account, list_accounts, measure) answer with the state of this moment."""
        with self._lock:
            self._faults.old_state, self._faults.old_answers = copy.deepcopy(self._state), times

    def recover(self) -> None:
        """Forgets all faults that were asked for."""
        with self._lock:
            self._faults = Faults()

    def called(self, operation: str) -> list[Call]:
        with self._lock:
            return [call for call in self.calls if call.operation == operation]
