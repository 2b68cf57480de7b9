"""The frame of each page: what the menu offers to whom."""

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from blueprints.access import Permission, viewer
from blueprints.areas import shown
from blueprints.formats import language
from blueprints.standings import limit_of
from services import request_list
from services.clock import local_day

MEMBER_MENU = (
    ("dashboard.show", _l("Home"), Permission.PORTAL_USE),
    ("allocations.index", _l("Allocation"), Permission.ALLOCATION_VIEW),
    ("sub_accounts.index", _l("Sub-accounts"), Permission.SUB_ACCOUNT_LIST),
    ("usage.index", _l("Usage"), Permission.USAGE_VIEW),
)
OPERATOR_MENU = (
    ("admin.queue", _l("Queue"), Permission.APPLICATION_VIEW),
    ("admin.partners", _l("Partners"), Permission.APPLICATION_VIEW),
    ("admin.change_requests_index", _l("Requests"), Permission.REQUEST_LIST),
    ("admin.documents_desk", _l("Documents"), Permission.DOCUMENT_VIEW),
    ("admin.notices", _l("Notices"), Permission.NOTICE_VIEW),
    ("admin.incidents", _l("Incidents"), Permission.INCIDENT_VIEW),
    ("admin.closures", _l("Closures"), Permission.CLOSURE_DESK),
    ("admin.storage", _l("Storage"), Permission.STORAGE_VIEW),
)
# What operators look at now and then stands below their name, so that the bar stays one line.
OPERATOR_LINKS = (
    ("admin.switches", _l("Switches"), Permission.SWITCH_VIEW),
    ("admin.policy_show", _l("Rules"), Permission.POLICY_VIEW),
    ("admin.integrations", _l("Programs"), Permission.APPLICATION_VIEW),
    ("admin.operators", _l("Operators"), Permission.OPERATOR_MANAGE),
    ("admin.company_domains", _l("Company log-ins"), Permission.SSO_DECIDE),
    ("admin.outbox", _l("Outbox"), Permission.OUTBOX_VIEW),
    ("admin.archive_shelves", _l("Archive"), Permission.ARCHIVE_READ),
    ("admin.whole_trail", _l("Trail"), Permission.APPLICATION_VIEW),
)
OWN_NAMES = {"en": "English", "de": "Deutsch"}


def menu() -> list[tuple[str, str, bool]]:
    if not viewer.is_authenticated:
        return []
    if viewer.member and not viewer.may_open("dashboard.show"):
        leaving = viewer.standing.reaches("export")
        entries = (("application.show", _l("What is open") if leaving else _l("Application"), Permission.PORTAL_USE),)
    else:
        entries = MEMBER_MENU if viewer.member else OPERATOR_MENU
    return [
        (url, counted(endpoint, str(label)), is_here(url))
        for endpoint, label, permission in entries
        if viewer.holds(permission) and viewer.may_open(endpoint)
        for url in (url_for(endpoint),)
    ]


def counted(endpoint: str, label: str) -> str:
    """How many requests wait stands on every page of the operators."""
    waiting = request_list.waiting() if endpoint == "admin.change_requests_index" else 0
    return _("%(what)s (%(num)s waiting)", what=label, num=waiting) if waiting else label


def is_here(url: str) -> bool:
    """The page itself or one below it; the operators' start page has all the others below it and counts alone."""
    below = url != url_for("admin.queue") and request.path.startswith(f"{url}/")
    return request.path == url or below


def notices_label() -> str:
    unread = shown(viewer.member).unread
    return _("Notices (%(unread)s unread)", unread=unread) if unread else _("Notices")


def account_links() -> list[tuple[str, str]]:
    """What a person's own menu holds, below the name."""
    if viewer.operator:
        own = [(endpoint, str(label)) for endpoint, label, right in OPERATOR_LINKS if viewer.may(right)]
        own += [("security.show", _("Security")), ("sessions.index", _("Your log-ins"))]
        own += [("own_data.show", _("Your data"))]
        return [(url_for(endpoint), label) for endpoint, label in own]
    links = [
        ("notices.index", notices_label()),
        ("integrations.index", _("Programs")),
        ("company.show", _("Company")),
        ("team.own.show", _("Team")),
        ("profile.show", _("Your profile")),
        ("security.show", _("Security")),
        ("sessions.index", _("Your log-ins")),
        ("terms.own", _("Terms and receipts")),
        ("activity.show", _("Activity")),
        ("support.show", _("Looks of support")),
        ("own_data.show", _("Your data")),
    ]
    if viewer.partner.kind == "distributor":
        links.append(("team.partners", _("Partners")))
    if viewer.may(Permission.SSO_MANAGE):
        links.append(("sso.show", _("Company log-in")))
    if viewer.may(Permission.CLOSURE_BEGIN):
        links.append(("leave.show", _("Close the account")))
    if viewer.may(Permission.PAPER_VIEW):
        links.insert(0, ("papers.index", _("Documents")))
    if viewer.may(Permission.REQUEST_VIEW):
        links.insert(0, ("change_requests.index", _("Requests")))
    return [(url_for(endpoint), label) for endpoint, label in links if viewer.may_open(endpoint)]


def own_names() -> list[tuple[str, str]]:
    """During a look the language is the operator's, and not to be changed: that would be a change."""
    offered = [language()] if viewer.is_authenticated and viewer.look else current_app.settings.locales
    return [(code, OWN_NAMES.get(code, code)) for code in offered]


def frame() -> dict:
    """Values that `base.html` needs on every page."""
    provider = current_app.settings.provider
    known = viewer if viewer.is_authenticated else None
    return {
        "viewer": known,
        "viewer_name": known.signed_in.name if known else "",
        "provider": provider,
        "this_year": local_day(g.clock.now(), provider.time_zone).year,
        "provider_name": provider.name,
        "locale": language(),
        "languages": own_names(),
        "language_url": url_for("language.choose"),
        "nav": menu(),
        "limit": limit_of(viewer),
        "home_url": url_for("public.front"),
        "sign_in_url": None if known else url_for("auth.login"),
        "sign_out_url": url_for("auth.logout"),
        "account_links": account_links() if known else [],
        "footer_links": [(url_for("terms.index"), _("Terms and privacy")), (url_for("change_log.index"), _("Changes"))],
        "security_url": url_for("report.new"),
        "contact_email": provider.support_address,
    }


def init_app(app: Flask) -> None:
    app.context_processor(frame)
