"""Guesses at a password, counted in the database before they are checked (T10; threats 5 and 6).

Three counters, alike for known and unknown addresses: this account from this network, this network, and this account's
failures in a row. The first is what a guesser meets; because it names the network, a guesser elsewhere does not lock
the owner out. The third is NIST's limit (SP 800-63B-4, 3.2.2): after 100 a new password is needed. It is the only one
that strangers could turn against the owner, so a device on which the owner signed in before has counters of its own
(services.known_devices).
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import Case

from models.base import write_tx
from models.session import Attempt
from services.audit import Act
from services.people import email_key
from services.refusal import N_, Refusal

CONSECUTIVE_FAILURES = 100
CONSECUTIVE_DAYS = 400


@dataclass(frozen=True)
class Limit:
    """How many attempts in `minutes`, for one account from one network and for one network over all accounts."""

    per_account: int
    per_network: int
    minutes: int


LOG_IN = "log_in"
MAIL = "mail"
HAND_OVER = "hand_over"
AGREE = "agree"
UPLOAD = "upload"
INVITATION = "invitation"
SECOND = "second"  # a second factor: who guesses here has the password
PASSKEY = "passkey"
SSO = "sso"  # each asks a company's provider; a company behind one address has many people
METER = "meter"  # how good a password is: costs work, opens nothing
REPORT = "report"
OWN_REPORT = "own_report"
CONSOLE = "console"
CONSOLE_MAIL = "console_mail"
LIMITS = {
    LOG_IN: Limit(10, 50, 5),
    MAIL: Limit(3, 20, 15),
    HAND_OVER: Limit(20, 20, 5),
    AGREE: Limit(20, 20, 5),
    UPLOAD: Limit(20, 60, 5),
    INVITATION: Limit(20, 20, 5),
    REPORT: Limit(20, 20, 15),
    SECOND: Limit(10, 50, 5),
    PASSKEY: Limit(30, 60, 5),
    SSO: Limit(120, 120, 5),
    METER: Limit(240, 240, 5),
    CONSOLE: Limit(10, 50, 5),
    CONSOLE_MAIL: Limit(3, 20, 15),
    OWN_REPORT: Limit(20, 10_000, 15),  # a company behind one address has many people
}


class TooManyAttempts(Refusal):
    """Answer with 429 and Retry-After: `wait_seconds`."""

    def __init__(self, wait: timedelta):
        self.wait_seconds = max(1, math.ceil(wait.total_seconds()))
        minutes = math.ceil(self.wait_seconds / 60)
        super().__init__(N_("Too many attempts. Wait %(minutes)s min and try again."), minutes=minutes)


class NewPasswordNeeded(Refusal):
    def __init__(self) -> None:
        super().__init__(
            N_("This log-in is closed after %(failures)s wrong passwords in a row. Choose a new password to open it."),
            failures=CONSECUTIVE_FAILURES,
        )


class CodesClosed(Refusal):
    """Somebody who has the password guessed at the second factor: a new password ends that."""

    def __init__(self) -> None:
        super().__init__(
            N_(
                "Codes are not taken any more after %(failures)s wrong ones in a row: somebody else may know your "
                "password. Choose a new one to go on."
            ),
            failures=CONSECUTIVE_FAILURES,
        )


IN_A_ROW = {LOG_IN: NewPasswordNeeded, SECOND: CodesClosed, CONSOLE: NewPasswordNeeded}


def count(act: Act, address: str, purpose: str = LOG_IN, device: str = "") -> None:
    """Counts one attempt of the mail address's account, before anything is checked. `device` is the number of a device
    on which this account signed in before.

    Raises TooManyAttempts, NewPasswordNeeded or CodesClosed; a refused attempt is not counted, so that waiting
    always helps.
    """
    limit = LIMITS[purpose]
    window = timedelta(minutes=limit.minutes)
    with write_tx():
        if device and _count_known(act, address, device, purpose):
            return
        _count(_pair(act, address, purpose), act.at, window, limit.per_account)
        _count(_network(act, purpose), act.at, window, limit.per_network)
        if purpose in IN_A_ROW:
            in_a_row = _raise(_account(address, purpose), act.at, timedelta(days=CONSECUTIVE_DAYS)).failures
            if in_a_row > CONSECUTIVE_FAILURES:
                raise IN_A_ROW[purpose]


def count_of_network(act: Act, purpose: str) -> None:
    """Counts one attempt where there is no account, only where it comes from. Raises TooManyAttempts."""
    limit = LIMITS[purpose]
    with write_tx():
        _count(_network(act, purpose), act.at, timedelta(minutes=limit.minutes), limit.per_network)


def forgive(act: Act, address: str, device: str = "", purpose: str = LOG_IN) -> None:
    """After the right secret: the account's counters start anew and the attempt no longer weighs on the network."""
    counters = [_pair(act, address, purpose), _account(address, purpose), *_of_device(address, device, purpose)]
    with write_tx():
        Attempt.delete().where(Attempt.subject.in_(counters)).execute()
        Attempt.update(failures=Attempt.failures - 1).where(
            Attempt.subject == _network(act, purpose), Attempt.failures > 0
        ).execute()


def tidy(at: datetime) -> int:
    """Removes counters whose window is over; returns how many. For the worker, now and then."""
    with write_tx():
        return Attempt.delete().where(Attempt.window_until <= at).execute()


def _count_known(act: Act, address: str, device: str, purpose: str) -> bool:
    """Counts for the device alone; False once it failed too often in a row to be told from a stranger's."""
    now_and_then, in_a_row = _of_device(address, device, purpose)
    if _raise(in_a_row, act.at, timedelta(days=CONSECUTIVE_DAYS)).failures > CONSECUTIVE_FAILURES:
        return False
    limit = LIMITS[purpose]
    _count(now_and_then, act.at, timedelta(minutes=limit.minutes), limit.per_account)
    return True


def _count(subject: str, at: datetime, window: timedelta, most: int) -> None:
    row = _raise(subject, at, window)
    if row.failures > most:
        raise TooManyAttempts(row.window_until - at)


def _raise(subject: str, at: datetime, window: timedelta) -> Attempt:
    """One more, in one statement: fifty at once count fifty. A window that is over starts anew."""
    over = Attempt.window_until <= at
    (
        Attempt.insert(subject=subject, failures=1, window_until=at + window)
        .on_conflict(
            conflict_target=[Attempt.subject],
            update={
                Attempt.failures: Case(None, [(over, 1)], Attempt.failures + 1),
                Attempt.window_until: Case(None, [(over, at + window)], Attempt.window_until),
            },
        )
        .execute()
    )
    return Attempt.get(Attempt.subject == subject)


def _pair(act: Act, address: str, purpose: str) -> str:
    return f"{purpose}:{_digest(email_key(address))}@{network(act.ip)}"


def _network(act: Act, purpose: str) -> str:
    return f"{purpose}:@{network(act.ip)}"


def _of_device(address: str, device: str, purpose: str) -> tuple[str, str]:
    own = f"{_account(address, purpose)}#{_digest(device)}"
    return own, f"{own}#"


def _account(address: str, purpose: str) -> str:
    return f"{purpose}:{_digest(email_key(address))}"


def _digest(text: str) -> str:
    """The table says nothing about whom somebody tried to be."""
    return hashlib.sha256(text.encode()).hexdigest()


def network(ip: str) -> str:
    """The address that one party holds: a whole IPv4 address, the first 64 bits of an IPv6 one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
