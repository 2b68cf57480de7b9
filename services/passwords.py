"""Passwords: how they are kept, compared, and when one is too easy to guess (T10; legal.md 4.5)."""

import functools
import re
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn_rs_py import zxcvbn

from services.refusal import N_, Refusal

SHORTEST = 15
SHORTEST_WITH_SECOND_FACTOR = 8
LONGEST = 128
FEWEST_GUESSES = 10**8
GUESSES_A_SECOND = 10_000
OWN_CHARACTERS = 8
KNOWN_EVERYWHERE = ("portal", "partner", "storage", "password", "passwort", "kennwort")


class PasswordRefused(Refusal):
    """The password is too short, too long or too easy to guess; the sentence says which."""

    def __init__(self, text: str, **values: object):
        super().__init__(text, "password", **values)


@functools.cache
def _hasher() -> PasswordHasher:
    """Argon2id with 19 MiB, two passes, one lane: the OWASP password storage cheat sheet's first choice."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@functools.cache
def _decoy() -> str:
    return hashed("nobody has this password")


def _canonical(text: str) -> str:
    """The same password typed on another keyboard is the same password (NIST SP 800-63B-4, 3.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", text)


def hashed(text: str) -> str:
    """The Argon2id hash in PHC notation, salt and parameters included."""
    return _hasher().hash(_canonical(text))


def matches(password_hash: str, text: str) -> bool:
    """Whether `text` is the password. An empty hash (nobody, or none chosen yet) costs the same work, never matches."""
    decoy = _decoy()
    try:
        _hasher().verify(password_hash or decoy, _canonical(text))
    except VerifyMismatchError:
        return False
    return bool(password_hash)


def needs_rehash(password_hash: str) -> bool:
    """The hash was made with other parameters than today's; hash anew at the next log-in."""
    return _hasher().check_needs_rehash(password_hash)


def refuse_weak(text: str, known: tuple[str, ...] = (), *, with_second_factor: bool = False) -> None:
    """Raises PasswordRefused for a password that is too short, too long or easy to guess.

    NIST SP 800-63B-4, 3.1.1.2: at least 15 code points where the password is the only factor, 8 with a second one; long
    ones, spaces and every script allowed; no rules of composition; compared with common passwords and with words of the
    context. `known` are the person's name, mail address and company.
    """
    password = _canonical(text)
    fewest = SHORTEST_WITH_SECOND_FACTOR if with_second_factor else SHORTEST
    refuse_short(password, fewest)
    if len(password) > LONGEST:
        raise PasswordRefused(N_("The password is longer than %(most)s characters. Use a shorter one."), most=LONGEST)
    words = _context_words(known)
    if _own_part(password, words) < min(OWN_CHARACTERS, fewest):
        raise PasswordRefused(
            N_("The password is mostly your name, address or company. Add words that have nothing to do with them.")
        )
    if zxcvbn(password, list(words)).guesses < FEWEST_GUESSES:
        raise PasswordRefused(
            N_("This password is easy to guess: a common word, a repeat or a row of keys. Use several unrelated words.")
        )


def refuse_short(text: str, fewest: int = SHORTEST) -> None:
    """Raises PasswordRefused for fewer than `fewest` code points."""
    present = len(_canonical(text))
    if present < fewest:
        raise PasswordRefused(
            N_("The password has %(present)s characters; use at least %(fewest)s. Four or five words will do."),
            present=present,
            fewest=fewest,
        )


def _context_words(known: tuple[str, ...]) -> set[str]:
    words = {word for text in known for word in re.split(r"[\W_]+", _canonical(text).casefold())}
    return {word for word in words if len(word) >= 4} | set(KNOWN_EVERYWHERE)


def _own_part(password: str, words: set[str]) -> int:
    """How many letters and digits are left when the words of the context are taken out."""
    rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return sum(not sign.isspace() and sign not in "-_.,;:!?" for sign in rest)


@dataclass(frozen=True)
class Strength:
    """`level` 0 (fell at once) to 4; `years`: how long ten thousand guesses a second take, as Argon2id leaves them to
    whoever has the hash, rounded down."""

    level: int
    years: int


def strength(text: str) -> Strength:
    """How long guessing would take (zxcvbn), for the meter."""
    guesses = zxcvbn(_canonical(text)[:LONGEST], list(KNOWN_EVERYWHERE)).guesses
    level = sum(guesses >= bound for bound in (10**6, FEWEST_GUESSES, 10**11, 10**14))
    return Strength(level, int(min(guesses, 10**18) // (GUESSES_A_SECOND * 31_536_000)))
