"""Whole numbers that come in an address or a form: ids, versions, counts.

A column holds none larger than LARGEST; asked for one, a database answers with a fault of its own.
"""

import re

from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**63 - 1
DIGITS = "[0-9]{1,19}"


class Id(IntegerConverter):
    """The `int` of all addresses; a larger number is an address that does not exist."""

    regex = DIGITS

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=LARGEST)


def whole(text: str | None) -> int | None:
    """The number that was sent; None when it is none, or larger than anything that is stored."""
    if text is None or not re.fullmatch(DIGITS, text) or int(text) > LARGEST:
        return None
    return int(text)
