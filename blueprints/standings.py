"""Why a partner cannot do something at present, and what helps: words for the reasons of services/standing.py."""

from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import Forbidden

WORDS = {
    "suspended": (
        _l("Your access is suspended"),
        _l("Changes are not possible at present. The page of your application says what helps."),
    ),
}


class NotNow(Forbidden):
    """The partner cannot do this at present; `reason` as in services/standing.py."""

    def __init__(self, reason: str):
        super().__init__()
        self.reason = reason


def standing_words(reason: str) -> tuple[str | None, str | None]:
    """Heading and advice; nothing where the general words of a refusal say enough."""
    title, advice = WORDS.get(reason, (None, None))
    return (str(title), str(advice)) if title else (None, None)
