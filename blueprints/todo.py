"""What a member should do, on the home page: each area adds a function that says what is open there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from blueprints.access import Permission, Viewer
from blueprints.areas import present
from blueprints.formats import language
from models.closure import Closure
from services import closing, contracts_notices, deletion_second, flow_down_figures, request_list
from services.clock import due_day
from services.notices import title_in
from services.people import id_of


@dataclass(frozen=True)
class Todo:
    """One line: what to do, where, and until when (None: any time). `urgent` comes first and has a warning sign."""

    text: str
    url: str
    due_on: date | None = None
    urgent: bool = False


def flow_down(viewer: Viewer, at: datetime) -> list[Todo]:
    """Customers who have to agree to the terms for end customers, by when, and those who refused (T2)."""
    if not viewer.may(Permission.SUB_ACCOUNT_VIEW):
        return []
    figures = flow_down_figures.of_partner(viewer.partner, at)
    found = []
    for due_at, count in figures.renew:
        text = ngettext("%(num)s customer to renew the terms with", "%(num)s customers to renew the terms with", count)
        found.append(Todo(text, _list("outdated"), _day(due_at), urgent=due_at <= at))
    if figures.missing:
        text = ngettext("%(num)s customer without terms", "%(num)s customers without terms", figures.missing)
        found.append(Todo(text, _list("none")))
    if figures.waiting:
        text = ngettext(
            "%(num)s customer has not answered about the terms yet",
            "%(num)s customers have not answered about the terms yet",
            figures.waiting,
        )
        found.append(Todo(text, _list("sent")))
    if figures.refused:
        text = ngettext("%(num)s customer refuses the terms", "%(num)s customers refuse the terms", figures.refused)
        found.append(Todo(text, _list("declined"), urgent=True))
    return found


def _list(terms: str) -> str:
    return url_for("sub_accounts.index", terms=terms)


def _day(due_at: datetime) -> date:
    return due_day(due_at, current_app.settings.provider.time_zone)


def endings(viewer: Viewer, at: datetime) -> list[Todo]:
    """Contracts that end soon, and until when a closure leaves time (T19)."""
    settings = current_app.settings
    found = [
        Todo(
            _("Contract %(number)s ends. Write to us if it should go on.", number=ending.contract.number),
            f"mailto:{settings.provider.support_address}",
            ending.contract.ends_on,
            urgent=ending.days <= 30,
        )
        for ending in contracts_notices.endings(at, settings, viewer.partner)
    ]
    if not viewer.may("closure:begin"):
        return found
    for closure in closing.of_partner(viewer.partner):
        if closure.step_until_at is not None:
            found.append(Todo(_closure(closure), url_for("leave.show"), _day(closure.step_until_at), urgent=True))
    return found


def _closure(closure: Closure) -> str:
    if closure.state == "retrieval":
        return _("Fetch your data. After this day they are removed.")
    if closure.state == "transition":
        return _("Your contract is over. Prepare to fetch your data.")
    if closure.contract:
        return _("Contract %(number)s will end.", number=closure.contract.number)
    return _("Your account will be closed.")


def company_details(viewer: Viewer, at: datetime) -> list[Todo]:
    """Details that an administrator has to confirm, and questions about them."""
    if not viewer.may(Permission.COMPANY_CHANGE):
        return []
    found, due_at = [], viewer.partner.details_due_at
    if due_at is not None:
        text = _("Confirm that your company's details are still right")
        found.append(Todo(text, url_for("company.show"), _day(due_at), urgent=due_at <= at))
    if asked := viewer.partner.open_queries.count():
        text = ngettext("%(num)s question about your company", "%(num)s questions about your company", asked)
        found.append(Todo(text, url_for("company.show"), urgent=True))
    return found


def notices_due(viewer: Viewer, at: datetime) -> list[Todo]:
    """Notices that wait for this member's acknowledgement; urgent where they keep something closed (T6)."""
    due = present(viewer.member).due()
    return [
        Todo(
            _("Read and acknowledge: %(title)s", title=title_in(notice, language())),
            url_for("notices.show", notice_id=notice.id),
            urgent=bool(notice.blocks),
        )
        for notice in due
    ]


def requests_answered(viewer: Viewer, at: datetime) -> list[Todo]:
    """Requests about which the provider has asked something: they wait for an answer."""
    if not viewer.may(Permission.REQUEST_WRITE):
        return []
    return [
        Todo(
            _("Request %(number)s waits for your answer", number=asked.number),
            url_for("change_requests.show", number=asked.number),
        )
        for asked in request_list.answered_of(viewer.partner)
    ]


def deletions_to_agree(viewer: Viewer, at: datetime) -> list[Todo]:
    """Deletions that another administrator asked for and this one has to agree to."""
    if not viewer.may(Permission.SUB_ACCOUNT_DELETE) or viewer.member is None:
        return []
    own = id_of(viewer.member)
    number = sum(1 for deletion in deletion_second.waiting(viewer.partner) if deletion.asked_by != own)
    text = ngettext("%(num)s deletion waits for you to agree", "%(num)s deletions wait for you to agree", number)
    return [Todo(text, url_for("sub_accounts.deletions"), urgent=True)] if number else []


SOURCES: tuple[Callable[[Viewer, datetime], list[Todo]], ...] = (
    company_details,
    flow_down,
    endings,
    notices_due,
    requests_answered,
    deletions_to_agree,
)


def todos(viewer: Viewer, at: datetime) -> list[Todo]:
    """All that is open for this member, urgent ones first, then by day."""
    found = [todo for source in SOURCES for todo in source(viewer, at)]
    return sorted(found, key=lambda todo: (not todo.urgent, todo.due_on or date.max))
