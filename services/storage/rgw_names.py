"""How accounts and their names stand on Ceph RGW.

    account `pp-a1-k3v9`       user `pp_a1_k3v9$pp-a1-k3v9`: a tenant of its own, so that its buckets have their own
                               namespace
    its bucket `data`          `pp_a1_k3v9/data` for the admin service, `pp_a1_k3v9:data` for S3, `data` for the
                               customer
    display name and marker    display name `Northwind [portal 0b5e…]`: set in the very call that creates the user

Tenants are letters, digits and '_' there; accounts have no '_', so that no two accounts share a tenant. In display
names `&`, `<` and the like are written as %XX: RGW puts them unescaped into the XML of access control lists, and then
neither customers nor RGW itself can read these.
"""

import re
from urllib.parse import unquote

from services.storage.contract import StorageRefused

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,62}")
_MARKER = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CARRIED = re.compile(r"(.*) \[portal ([A-Za-z0-9._-]+)\]", re.DOTALL)
_UNSAFE = re.compile(r"[&<>\"'%\[\]\x00-\x1f\x7f]")


def check_uid(uid: str) -> None:
    """StorageRefused unless letters, digits and '-' (3 to 63) name the account."""
    if not _UID.fullmatch(uid):
        raise StorageRefused(f"not a name for an account: {uid!r}")


def tenant_of(uid: str) -> str:
    return uid.replace("-", "_")


def user_of(uid: str) -> str:
    """The user id of the account on the service."""
    return f"{tenant_of(uid)}${uid}"


def uid_of(user: str) -> str | None:
    """The account behind a user id; None for users that the portal cannot have made."""
    tenant, _, uid = user.partition("$")
    return uid if _UID.fullmatch(uid) and tenant == tenant_of(uid) else None


def carried(display: str, marker: str) -> str:
    """The display name there that carries marker and display. StorageRefused: the marker cannot be carried."""
    if not _MARKER.fullmatch(marker):
        raise StorageRefused(f"not a marker for an account: {marker!r}")
    safe = _UNSAFE.sub(lambda sign: f"%{ord(sign[0]):02X}", display)
    return f"{safe} [portal {marker}]"


def read_carried(name: str) -> tuple[str, str]:
    """Display and marker; an empty marker when somebody else wrote the name."""
    found = _CARRIED.fullmatch(name)
    return (unquote(found[1]), found[2]) if found else (name, "")
