"""Links that lead out of the portal: only to where the portal itself points, through a page that says so (T15)."""

import hmac
from hashlib import sha256
from urllib.parse import urlsplit

from services.secret import Secret

LONGEST = 2000


def is_web(url: str) -> bool:
    """Whether this is the address of a web page elsewhere, in a form that every browser reads alike."""
    if len(url) > LONGEST or any(ord(sign) < 33 or sign == "\\" for sign in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


def mark(key: Secret, url: str) -> str:
    """What proves that the portal made this link: else anybody could send people anywhere in the portal's name."""
    return hmac.new(key.reveal().encode(), b"outward link\n" + url.encode(), sha256).hexdigest()[:32]


def is_marked(key: Secret, url: str, given: str) -> bool:
    return hmac.compare_digest(mark(key, url), given) if given.isascii() else False
