"""Devices on which somebody signed in before: a guesser elsewhere does not lock them out (T10; threat 6).

A cookie says which, and names nobody: a random number of the device, and for each account that signed in on it a digest
of the two under the portal's own key. It opens nothing. It only decides which counter a wrong password is held to.
"""

import hashlib
import hmac
import re
import secrets

from services.people import email_key
from services.secret import Secret

DAYS = 365
MOST_ACCOUNTS = 5
FORM = re.compile(rf"([A-Za-z0-9_-]{{22}})((?:\.[0-9a-f]{{64}}){{1,{MOST_ACCOUNTS}}})")


def device_of(key: Secret, cookie: str | None, address: str) -> str:
    """The device's number when the owner of the mail address signed in on it before; empty text otherwise."""
    number, marks = _parts(cookie)
    own = _mark(key, number, address)
    return number if any(hmac.compare_digest(own, mark) for mark in marks) else ""


def remembered(key: Secret, cookie: str | None, address: str) -> str:
    """The cookie after a sign-in: the device keeps its number, and the accounts that signed in on it last."""
    number, marks = _parts(cookie)
    number = number or secrets.token_urlsafe(16)
    own = _mark(key, number, address)
    others = [mark for mark in marks if mark != own]
    return ".".join([number, own, *others[: MOST_ACCOUNTS - 1]])


def _parts(cookie: str | None) -> tuple[str, list[str]]:
    found = FORM.fullmatch(cookie or "")
    return (found[1], found[2].split(".")[1:]) if found else ("", [])


def _mark(key: Secret, number: str, address: str) -> str:
    text = f"known device\n{number}\n{email_key(address)}"
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()
