"""Codes of an app (TOTP, RFC 6238): six digits, 30 seconds, SHA-1, which is what every app knows.

A code works once: the step that it belongs to is kept, and of two who enter the same code at once one wins (RFC 6238,
5.2). One step to either side is taken, for clocks that are not quite right. The seed is sealed at rest.
"""

import hmac
import re
from dataclasses import dataclass, field

import pyotp
import segno

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.second_factor import Totp
from services import people
from services.audit import Act
from services.refusal import N_, Refusal
from services.secret import SealBroken, Secret, Vault
from services.settings import Settings

STEP_SECONDS = 30
SEED_CHARACTERS = 32  # 160 bits (RFC 4226, 4)
WANTED_MINUTES = 60
BORDER = 4  # the quiet zone that readers need


class CodeRefused(Refusal):
    """The code is not right now, or was used before; one sentence for both."""

    def __init__(self) -> None:
        super().__init__(
            N_("This code is not right, or was used already. Enter the one that the app shows now."), "code"
        )


class NothingBegun(Refusal):
    def __init__(self) -> None:
        super().__init__(N_("Begin again: the key to scan was not used for an hour."))


def is_on(person: Member | Operator) -> bool:
    """Also where the seed can no longer be opened: a lost data key switches nobody's factor off."""
    return Totp.select().where(people.owned(Totp, person), Totp.confirmed_at.is_null(False)).exists()


def begin(act: Act, settings: Settings, person: Member | Operator, *, anew: bool = False) -> Secret:
    """The key for the app; the factor is on once `confirmed`. The one that was begun lately is given again."""
    vault = Vault(settings.data_keys)
    with write_tx():
        people.locked_afresh(person)
        row = Totp.get_or_none(people.owned(Totp, person)) or Totp(**people.owner(person))
        known = None if anew else _wanted(row, act, vault)
        if known is not None:
            return known
        seed = Secret(pyotp.random_base32(SEED_CHARACTERS))
        row.wanted_ct, row.wanted_at = vault.seal(seed), act.at
        if row.id is None:
            row.save(force_insert=True)
        else:
            row.save(only=["wanted_ct", "wanted_at"])
    return seed


def confirm(act: Act, settings: Settings, person: Member | Operator, code: str) -> None:
    """The app that was begun counts from now on, if `code` is one of it; in the caller's transaction, which says so in
    the trail. Raises CodeRefused, NothingBegun."""
    row = Totp.get_or_none(people.owned(Totp, person))
    seed = _wanted(row, act, Vault(settings.data_keys)) if row else None
    if row is None or seed is None:
        raise NothingBegun
    step = _step_of(seed, code, act)
    if step is None:
        raise CodeRefused
    row.seed_ct, row.wanted_ct, row.wanted_at = row.wanted_ct, None, None
    row.confirmed_at, row.last_step = act.at, step
    row.save(only=["seed_ct", "wanted_ct", "wanted_at", "confirmed_at", "last_step"])


def matches(act: Act, settings: Settings, person: Member | Operator, code: str) -> bool:
    """Whether `code` is a code of the person's app that was not used yet; uses it up. Counting is the caller's."""
    row = Totp.get_or_none(people.owned(Totp, person), Totp.seed_ct.is_null(False))
    try:
        seed = Vault(settings.data_keys).open(str(row.seed_ct)) if row else Secret(pyotp.random_base32(SEED_CHARACTERS))
    except SealBroken:
        return False
    step = _step_of(seed, code, act)
    if row is None or step is None:
        return False
    with write_tx():
        return bool(Totp.update(last_step=step).where(Totp.id == row.id, Totp.last_step < step).execute())


def address(settings: Settings, person: Member | Operator, seed: Secret) -> Secret:
    """The otpauth:// address that the QR code holds."""
    maker = pyotp.TOTP(seed.reveal())
    return Secret(maker.provisioning_uri(name=person.email, issuer_name=settings.provider.name))


@dataclass(frozen=True)
class Picture:
    """A QR code: `size` modules to each side, border included, and the path of the dark ones for an SVG."""

    size: int
    path: str = field(repr=False)


def picture(content: Secret) -> Picture:
    code = segno.make(content.reveal(), error="m", micro=False)
    rows = list(code.matrix_iter(scale=1, border=BORDER))
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module]
    return Picture(len(rows), "".join(dark))


def grouped(seed: Secret) -> str:
    """The key in groups of four, to type."""
    return " ".join(re.findall(".{1,4}", seed.reveal()))


def _wanted(row: Totp, act: Act, vault: Vault) -> Secret | None:
    """What was begun and is not too old."""
    if row.wanted_ct is None or row.wanted_at is None:
        return None
    if (act.at - row.wanted_at).total_seconds() > WANTED_MINUTES * 60:
        return None
    try:
        return vault.open(str(row.wanted_ct))
    except SealBroken:
        return None


def _step_of(seed: Secret, code: str, act: Act) -> int | None:
    """The time step that `code` belongs to, of this one and its neighbours."""
    digits = re.sub(r"[\s-]", "", code)
    if not (digits.isascii() and digits.isdigit()):
        return None
    maker, now = pyotp.TOTP(seed.reveal()), int(act.at.timestamp()) // STEP_SECONDS
    found = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(maker.generate_otp(step), digits)]
    return found[0] if found else None
