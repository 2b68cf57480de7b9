"""Ten codes for whoever lost the second factor: shown once, kept as salted hashes, each burned by its use (NIST SP
800-63B-4, 3.1.2, look-up secrets)."""

import functools
import re
import secrets
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.second_factor import RecoveryCode
from services import people
from services.audit import Act

NUMBER = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are taken for each other
LENGTH, GROUP = 16, 4  # 79 bits


@dataclass(frozen=True)
class Made:
    """`shown` are the codes, for the person's eyes alone; `hashes` under `salt` are kept."""

    shown: list[str] = field(repr=False)
    salt: str = field(repr=False)
    hashes: list[str] = field(repr=False)


def made() -> Made:
    """Ten new codes. Hashing takes its time: not within a transaction."""
    salt = secrets.token_hex(16)
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(NUMBER)]
    shown = ["-".join(re.findall(f".{{{GROUP}}}", code)) for code in codes]
    return Made(shown, salt, [_hash(code, salt) for code in codes])


def keep(act: Act, person: Member | Operator, codes: Made) -> None:
    """They count from now on, and older ones work no longer. In the caller's transaction."""
    remove(person)
    for code_hash in codes.hashes:
        RecoveryCode.create(**people.owner(person), salt=codes.salt, code_hash=code_hash, created_at=act.at)


def remove(person: Member | Operator) -> None:
    RecoveryCode.delete().where(people.owned(RecoveryCode, person)).execute()


def left(person: Member | Operator) -> int:
    return RecoveryCode.select().where(people.owned(RecoveryCode, person), RecoveryCode.used_at.is_null()).count()


def looks_like(text: str) -> bool:
    """Whether it is a recovery code rather than one of an app."""
    return len(_plain(text)) == LENGTH


def burn(act: Act, person: Member | Operator, text: str) -> RecoveryCode | None:
    """The code, used up in the caller's transaction; None when it is not one, or was used: of two at once one wins."""
    first = RecoveryCode.get_or_none(people.owned(RecoveryCode, person))
    digest = _hash(_plain(text), first.salt if first else _decoy_salt())
    row = RecoveryCode.get_or_none(people.owned(RecoveryCode, person), RecoveryCode.code_hash == digest)
    if row is None:
        return None
    with write_tx():
        unused = (RecoveryCode.id == row.id) & RecoveryCode.used_at.is_null()
        return row if RecoveryCode.update(used_at=act.at).where(unused).execute() else None


def _plain(text: str) -> str:
    return re.sub(r"[\s-]", "", text).lower()


@functools.cache
def _decoy_salt() -> str:
    return secrets.token_hex(16)


def _hash(code: str, salt: str) -> str:
    """Argon2id with the parameters of passwords; one salt for all of a set, so that a look-up is one computation."""
    raw = hash_secret_raw(
        code.encode(), bytes.fromhex(salt), time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID
    )
    return raw.hex()
