"""Why a partner cannot do something at present, and what helps: words for the reasons of services/standing.py."""

from typing import Any, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import Forbidden

# reason -> heading, what it means and what helps
WORDS = {
    "draft": (_l("Your mail address is not confirmed"), _l("Open the link in the mail that we sent you.")),
    "applied": (_l("We are checking your application"), _l("You get a mail when it is decided.")),
    "query": (_l("We have a question"), _l("Answer it on the page of your application.")),
    "suspended": (
        _l("Your access is suspended"),
        _l("Changes are not possible at present. The page of your company says why and what helps."),
    ),
    "closing": (
        _l("Your account is being closed"),
        _l("You can still take your data out. The page of the closure says until when."),
    ),
    "closed": (
        _l("Your account is closed"),
        _l(
            "You can still download the receipts of what you agreed to; administrators also get the certificates of "
            "deletion."
        ),
    ),
    "refused": (
        _l("Your application was not accepted"),
        _l("You can still download the receipts of what you agreed to."),
    ),
    "details_unconfirmed": (
        _l("Nobody has confirmed your company's details"),
        _l(
            "Until an administrator of your company has confirmed or corrected them, nothing can be changed here. "
            "Your customers' access to their data goes on."
        ),
    ),
    "terms_overdue": (
        _l("The new terms are not accepted"),
        _l(
            "Until an administrator of your company has accepted them, nothing can be changed here. Your customers' "
            "access to their data goes on."
        ),
    ),
    "contract_ended": (
        _l("Your contract has ended"),
        _l("You can still take your data out. Write to us if the contract should go on."),
    ),
}
# where the way out of it is: endpoint, what the link says
WAYS = {
    "closing": ("leave.show", _l("Page of the closure")),
    "contract_ended": ("leave.show", _l("What happens now")),
    "suspended": ("company.show", _l("Page of your company")),
    "details_unconfirmed": ("company.show", _l("Look at the details")),
    "terms_overdue": ("terms.accept", _l("Read the new terms")),
}


class NotNow(Forbidden):
    """The partner cannot do this at present; `reason` as in services/standing.py."""

    def __init__(self, reason: str):
        super().__init__()
        self.reason = reason

    def more(self) -> dict[str, Any]:
        """What the page about it says."""
        title, text = standing_words(self.reason)
        return {"title": title, "text": text}


def standing_words(reason: str) -> tuple[str | None, str | None]:
    """Heading and advice; nothing where the general words of a refusal say enough."""
    title, advice = WORDS.get(reason, (None, None))
    return (str(title), str(advice)) if title else (None, None)


class Limit(NamedTuple):
    """What stands above every page while something cannot be done, or soon: `kind` as of parts.notice."""

    kind: str
    title: str
    advice: str
    url: str
    label: str


def limit_of(viewer) -> Limit | None:
    """Why this member cannot change anything at present, or what has to be done so that it stays possible."""
    if not (viewer.is_authenticated and viewer.member):
        return None
    reason = viewer.standing.reason
    endpoint, label = WAYS.get(reason, ("", ""))
    if viewer.standing.reaches("export") and viewer.may_open(endpoint):
        title, advice = WORDS[reason]
        return Limit("warn", str(title), str(advice), url_for(endpoint), str(label))
    if viewer.standing.level == "full" and viewer.partner.details_due_at is not None:
        endpoint, label = WAYS["details_unconfirmed"]
        advice = _("Somebody has to confirm them, so that changes stay possible here.")
        return Limit("info", _("Are your company's details still right?"), advice, url_for(endpoint), str(label))
    return None
