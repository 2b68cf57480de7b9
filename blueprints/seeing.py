"""While an operator sees what a partner sees: which of its pages, with whose rights, and how each is put on record."""

from typing import Any

from flask import current_app, flash, g, request, session, url_for
from flask_babel import gettext as _

from blueprints.declarations import Declaration
from blueprints.permissions import ROLES, Permission
from blueprints.standings import NotNow
from models.base import read_only
from models.partner import Member
from models.support import SupportLook
from services import support_looks
from services.audit import Act

ROLE = "viewer"
NOBODY = 0  # the id of no row
# what else a look needs to help, and what a viewer may that a look may not
FURTHER = {Permission.SUB_ACCOUNT_VIEW}
NEVER = {Permission.PROFILE_CHANGE, Permission.SUB_ACCOUNT_EXPORT}
RIGHTS = ({right for right, roles in ROLES.items() if ROLE in roles} | FURTHER) - NEVER
# files are on record one by one where they are fetched; other partners' pages are not what this one allowed
KEPT_BACK = ("papers.download", "sub_accounts.terms_document", "team.partners", "team.below.")
ENDINGS = ("support.end", "auth.logout")
READING = ("GET", "HEAD", "OPTIONS")
BROWSERS_LOOK = "look"  # in the browser's own session: so that the end of a look by itself is said


class OnlyLooking(NotNow):
    """Not during a look."""

    def __init__(self) -> None:
        super().__init__("only_looking")

    def more(self) -> dict[str, Any]:
        return {
            "title": _("You are only looking"),
            "text": _("During a look nothing can be changed, and pages of persons, keys and files are closed."),
        }


def onlooker(look: SupportLook) -> Member:
    """Nobody of the partner, who may look: no row of the database is theirs, and none is ever made of them."""
    operator = look.operator
    return Member(
        id=NOBODY, public_id="", partner=look.access.partner, name=operator.name, email="", email_key="", role=ROLE,
        locale=operator.locale, time_zone=operator.time_zone, declared_authority=False, active=True,
    )  # fmt: skip


def shows(endpoint: str, declared: Declaration) -> bool:
    """Whether a look gets this page: never one that asks for a proof, one of a person's own, or a file."""
    if endpoint in ENDINGS or declared.open_to_all:
        return True
    if declared.permission not in RIGHTS or declared.proof or declared.area == "exports":
        return False
    if any(endpoint == name or (name.endswith(".") and endpoint.startswith(name)) for name in KEPT_BACK):
        return False
    rules = current_app.url_map.iter_rules(endpoint)
    return not any("." in rule.rule.rsplit("/", 1)[-1] for rule in rules)


def refuse(declared: Declaration) -> None:
    """Raises OnlyLooking for whatever is no page that a look gets."""
    ending = request.endpoint in ENDINGS
    if request.method not in READING and not ending:
        raise OnlyLooking
    if not shows(str(request.endpoint), declared):
        raise OnlyLooking


def note(act: Act, look: SupportLook, declared: Declaration) -> None:
    """Puts the page on record, and lets nothing be written while it is made. What a page asks by itself is no page."""
    if request.endpoint in ENDINGS:
        return
    if not (declared.polled and request.htmx):
        support_looks.note_page(act, look, request.path)
    g.only_looking = read_only()
    g.only_looking.__enter__()


def write_again(error: BaseException | None = None) -> None:
    held = g.pop("only_looking", None)
    if held is not None:
        held.__exit__(None, None, None)


def ended_by_itself() -> str | None:
    """Where this browser's operator goes whose look is over without their doing: the partner's file."""
    known = session.pop(BROWSERS_LOOK, None)
    if not known:
        return None
    flash(_("The look is over: its time has passed, or the partner took the permission back."), "info")
    return url_for("admin.partner", partner_id=known)
