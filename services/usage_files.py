"""Files of every day of every sub-account: how long one may be, and how many are made at a time.

A thread of the web process makes one as fast as it is taken. Without bounds, a few clicks on a year of a large partner
would leave no thread for anybody else."""

import threading
from collections.abc import Callable
from datetime import date

from models import usage_days
from models.partner import Partner
from services.refusal import N_, Refusal

MOST_LINES = 2_000_000  # a minute or two of one thread
MOST_AT_ONCE = 2  # in one process, of different partners


class FileRefused(Refusal):
    """The file is not made."""


class Desk:
    """Who gets a file of this process now: each partner one, and not all threads together. Each process has its own, so
    nothing is left over from one that was killed."""

    def __init__(self) -> None:
        self._served: dict[int, object] = {}
        self._turn = threading.Lock()

    def begin(self, partner: Partner) -> Callable[[], None]:
        """Returns what is to be called at the file's end, however it comes, once or more often. Raises FileRefused."""
        with self._turn:
            if partner.id in self._served:
                raise FileRefused(N_("Such a file is being made for you already. Wait until it is complete."))
            if len(self._served) >= MOST_AT_ONCE:
                raise FileRefused(N_("Other files are being made at the moment. Try again in a few minutes."))
            mine = self._served[partner.id] = object()

        def end() -> None:
            with self._turn:
                if self._served.get(partner.id) is mine:
                    del self._served[partner.id]

        return end


def refuse_long(partner: Partner, first_on: date, last_on: date) -> None:
    """Raises FileRefused for the field `last` when the days of all sub-accounts are more than MOST_LINES lines."""
    sub_accounts = usage_days.sub_accounts(partner, first_on, last_on)
    most_days = max(1, MOST_LINES // max(1, sub_accounts))
    if (last_on - first_on).days >= most_days:
        text = N_("Choose fewer days, at most %(most)s: this file has a line for each day of each sub-account.")
        raise FileRefused(text, "last", most=most_days)
