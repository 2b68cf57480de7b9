"""What the steps of the sign-up share: the device that holds a draft, and where it stands."""

from flask import Blueprint, g, session, url_for
from flask_babel import gettext as _

from models.partner import SignUpDraft
from services.signup import drafts

DEVICE = "sign_up"
PAGES = {"company": "signup.company", "person": "signup.person", "check": "signup.check", "sent": "signup.sent"}

bp = Blueprint("signup", __name__, url_prefix="/sign-up")


def device() -> str | None:
    return session.get(DEVICE)


def remember_device(token: str) -> None:
    """The cookie outlives the browser's window: the sign-up can be resumed tomorrow."""
    session[DEVICE] = token
    session.permanent = True


def forget_device() -> None:
    session.pop(DEVICE, None)


def draft() -> SignUpDraft | None:
    return drafts.find(device(), g.clock.now())


def page_of(found: SignUpDraft | None) -> str:
    """The page of the first step that is not done."""
    return url_for(PAGES[drafts.next_step(found)])


def steps(current: str) -> list[tuple[str, str]]:
    """The progress shown on each step."""
    labels = {
        "company": _("Company"),
        "person": _("You"),
        "check": _("Check"),
        "consent": _("Terms"),
        "sent": _("Confirm"),
    }
    place = list(labels).index(current)
    states = ["done" if at < place else "current" if at == place else "todo" for at in range(len(labels))]
    return list(zip(labels.values(), states, strict=True))
