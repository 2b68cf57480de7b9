"""What the portal's accounts are called on storage services: `pp-<installation>-<16 signs>`.

The middle part is made once for each database, so that two portals can share a service without taking each other's
accounts for strangers' (services.drift_accounts). Names from before it was there, `pp-<16 signs>`, stay as they are.
Every service takes these names: at most 63 of a-z, 0-9 and '-'; AWS allows 64.
"""

import secrets
import string

from models.base import write_tx
from models.installation import Installation

PREFIX = "pp-"  # of every portal
SIGNS = string.ascii_lowercase + string.digits
CODE_LENGTH = 6
OWN_LENGTH = 16


def own_prefix() -> str:
    """By which this portal knows its own accounts. Made at the first call; two at once get the same."""
    row = Installation.get_or_none(Installation.id == 1)
    if row is None:
        with write_tx():
            Installation.insert(id=1, code=_signs(CODE_LENGTH)).on_conflict_ignore().execute()
            row = Installation.get_by_id(1)
    return f"{PREFIX}{row.code}-"


def new_uid() -> str:
    """A name that no account has or had."""
    return own_prefix() + _signs(OWN_LENGTH)


def _signs(count: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(count))
