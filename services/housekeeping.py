"""The nightly purge: what its time has run out for is erased, and a report says what that was.

Every job is bounded, can be broken off and repeated, and finds by itself what is due: a night that was missed is made
up for in the next one.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from models.archive import Erasure, PurgeReport
from models.base import Table, empty_log, write_tx
from models.console import ConsoleSession
from models.incident import Incident
from models.operator import OperatorRequest
from models.outbox import Mail, MailAttachment
from models.partner import Member, Partner
from models.session import OneTimeLink, Session
from models.support import SupportAccess, SupportLook, SupportPage
from models.team import Invitation
from services import archive, audit_purging, console_purging, erasure, erasure_list, policy
from services.audit import Act
from services.audit_parts import network
from services.clock import local_day
from services.one_by_one import tried
from services.settings import Settings

EVERY = timedelta(hours=24)
PAGE_ROWS = 2000
PAGES = 50
PARTNERS_A_NIGHT = 2000
BATCHES_A_NIGHT = 2000
LINKS_KEPT = timedelta(days=30)
FORMER_KEPT = timedelta(days=30)
CLEARED = "This mail was sent a while ago, and its text was removed here.\n"
LINES = {
    "archived_rows": "rows of the archive whose time was over",
    "mail_texts": "texts of sent mails",
    "log_ins": "old log-ins",
    "links": "old one-time links",
    "invitations": "old invitations into a team",
    "console_log_ins": "old log-ins of customers",
    "console_links": "old links of customers",
    "former_console_users": "customers whose access to the console was removed",
    "looks_of_support": "old looks of support, their pages and permissions",
    "asked_of_owners": "old changes of operators that owners asked for",
    "former_members": "people whom their company removed",
    "names_in_the_security_log": "names in old lines about log-ins",
    "addresses": "exact network addresses",
    "reports_of_strangers": "persons in closed security reports of strangers",
    "unfinished_sign_ups": "sign-ups that nobody confirmed",
    "refused_sign_ups": "sign-ups that were refused",
}


def due(act: Act) -> bool:
    """Whether the last run is a day ago."""
    last = PurgeReport.select().order_by(PurgeReport.id.desc()).first()
    return last is None or last.at <= act.at - EVERY


def nightly(act: Act, settings: Settings) -> list[str]:
    """`purge` when the last one is a day ago; returns a line for each kind of what it removed."""
    if not due(act):
        return []
    return [f"{number} {LINES[what]} removed" for what, number in purge(act, settings).removed.items() if number]


def purge(act: Act, settings: Settings) -> PurgeReport:
    """One run, whatever the time of the last one. Returns the report that it wrote."""
    tried(act, "erasures after a restore", lambda: erasure_list.repeat(act, settings), 0)
    removed = {what: tried(act, f"nightly purge: {what}", job, 0) for what, job in _jobs(act, settings).items()}
    waiting = _erasures(act, settings)
    tried(act, "list of erasures", lambda: erasure_list.write(settings, act.at), 0)
    empty_log()
    with write_tx():
        return PurgeReport.create(at=act.at, removed=removed, waiting=waiting)


def _jobs(act: Act, settings: Settings) -> dict[str, Callable[[], int]]:
    """By what it removes; each says how many."""
    rules, now = policy.current(), act.at
    security_at = now - timedelta(days=rules.security_log_days)
    return {
        "archived_rows": lambda: archive.purge(local_day(now, settings.provider.time_zone)),
        "mail_texts": lambda: _mail_texts(now - timedelta(days=rules.mail_text_days)),
        "log_ins": lambda: _log_ins(security_at),
        "links": lambda: _links(now - LINKS_KEPT),
        "invitations": lambda: _pages(Invitation, Invitation.expires_at <= now - LINKS_KEPT, _deleted(Invitation)),
        "console_log_ins": lambda: console_purging.old_log_ins(_pages, _deleted, security_at),
        "console_links": lambda: console_purging.old_links(_pages, _deleted, now - LINKS_KEPT),
        "former_console_users": lambda: console_purging.former_users(now, now - FORMER_KEPT),
        "looks_of_support": lambda: _looks(security_at),
        "asked_of_owners": lambda: _pages(
            OperatorRequest, OperatorRequest.ended_at <= security_at, _deleted(OperatorRequest)
        ),
        "former_members": lambda: _former_members(act, settings),
        "names_in_the_security_log": lambda: audit_purging.old_names(now, security_at),
        "addresses": lambda: _addresses(now, now - timedelta(days=rules.access_ip_days)),
        "reports_of_strangers": lambda: _reports(security_at),
        "unfinished_sign_ups": lambda: _sign_ups(act, settings, "draft", settings.sign_up_draft_days, "created_at"),
        "refused_sign_ups": lambda: _sign_ups(act, settings, "refused", rules.refused_sign_up_days, "decided_at"),
    }


def _pages(table: Any, condition, change: Callable[[list[int]], int]) -> int:
    """Goes through what is due, some rows in each transaction, a bounded number of them in one night."""
    done = 0
    for _page in range(PAGES):
        ids = [number for (number,) in table.select(table.id).where(condition).limit(PAGE_ROWS).tuples()]
        if ids:
            with write_tx():
                done += change(ids)
        if len(ids) < PAGE_ROWS:
            break
    return done


def _deleted(table: Any) -> Callable[[list[int]], int]:
    return lambda ids: table.delete().where(table.id.in_(ids)).execute()


def _changed(table: Any, **values) -> Callable[[list[int]], int]:
    return lambda ids: table.update(**values).where(table.id.in_(ids)).execute()


def _mail_texts(before_at: datetime) -> int:
    """The line in the outbox stays: to whom, about what, when."""
    old = (Mail.sent_at <= before_at) & ((Mail.html != "") | (Mail.attachment != ""))
    gone_with = MailAttachment.mail.in_(Mail.select(Mail.id).where(Mail.sent_at <= before_at))
    _pages(MailAttachment, gone_with, _deleted(MailAttachment))
    return _pages(Mail, old, _changed(Mail, text=CLEARED, html="", attachment=""))


def _log_ins(before_at: datetime) -> int:
    return _pages(Session, Session.expires_at <= before_at, _deleted(Session))


def _links(before_at: datetime) -> int:
    return _pages(OneTimeLink, OneTimeLink.expires_at <= before_at, _deleted(OneTimeLink))


def _looks(before_at: datetime) -> int:
    """What stands on others goes first."""
    over = SupportAccess.select(SupportAccess.id).where(SupportAccess.ended_at <= before_at)
    looks = SupportLook.select(SupportLook.id).where(SupportLook.access.in_(over))
    done = _pages(SupportPage, SupportPage.look.in_(looks), _deleted(SupportPage))
    empty = SupportLook.id.not_in(SupportPage.select(SupportPage.look))
    done += _pages(SupportLook, SupportLook.access.in_(over) & empty, _deleted(SupportLook))
    unused = SupportAccess.id.not_in(SupportLook.select(SupportLook.access))
    return done + _pages(SupportAccess, (SupportAccess.ended_at <= before_at) & unused, _deleted(SupportAccess))


def _reports(before_at: datetime) -> int:
    """Of who was not signed in nothing else would ever go: what was reported stays, without the person."""
    strangers = Incident.member.is_null() & Incident.operator.is_null() & (Incident.contact != "")
    change = _changed(Incident, contact="", ip="", user_agent="")
    return _pages(Incident, strangers & (Incident.closed_at <= before_at), change)


def _addresses(now: datetime, before_at: datetime) -> int:
    """Network addresses lose what tells one machine from its neighbours."""
    places: tuple[tuple[Any, Any], ...] = (
        (Session, Session.created_at),
        (ConsoleSession, ConsoleSession.created_at),
        (Incident, Incident.reported_at),
    )
    shortened = sum(_shortened(table, time <= before_at) for table, time in places)
    return shortened + audit_purging.old_addresses(now, before_at)


def _shortened(table: type[Table], old) -> int:
    """Reads past what is done already, once, and writes by ids: nobody waits while a long table is looked through."""
    model: Any = table
    whole = (model.ip != "") & ~model.ip.endswith("/24") & ~model.ip.endswith("/48")
    changed = after = 0
    for _page in range(PAGES):
        query = model.select(model.id, model.ip).where(model.id > after, old, whole).order_by(model.id)
        found = list(query.limit(PAGE_ROWS).tuples())
        ids = defaultdict(list)
        for number, ip in found:
            ids[network(ip)].append(number)
        with write_tx():
            for net, some in ids.items():
                changed += model.update(ip=net).where(model.id.in_(some)).execute()
        if len(found) < PAGE_ROWS:
            break
        after = found[-1][0]
    return changed


def _sign_ups(act: Act, settings: Settings, state: str, days: int, since: str) -> int:
    """From these no contract came: nothing of them is kept."""
    old: Any = getattr(Partner, since) <= act.at - timedelta(days=days)
    begun = Erasure.select(Erasure.subject_id).where(Erasure.kind == "partner")
    query = Partner.select().where(Partner.state == state, old, Partner.id.not_in(begun)).order_by(Partner.id)
    rows = list(query.limit(PARTNERS_A_NIGHT))
    for partner in rows:
        tried(
            act,
            f"erasure of partner {partner.id}",
            partial(erasure.erase_partner, act, settings, partner, keeps=False),
            None,
        )
    return len(rows)


def _former_members(act: Act, settings: Settings) -> int:
    """What they agreed to is kept in the archive, what they did stays without their name."""
    begun = Erasure.select(Erasure.subject_id).where(Erasure.kind == "member")
    query = Member.select().where(Member.removed_at <= act.at - FORMER_KEPT, Member.id.not_in(begun))
    rows = list(query.order_by(Member.id).limit(PARTNERS_A_NIGHT))
    for member in rows:
        name = f"erasure of member {member.id}"
        tried(act, name, partial(erasure.erase_member, act, settings, member), None)
    return len(rows)


def _erasures(act: Act, settings: Settings) -> int:
    """Takes up what was broken off; returns how many wait for something."""
    for row in archive.waiting():
        name = f"erasure of {row.kind} {row.subject_id}"
        tried(act, name, partial(erasure.carry_on, act, settings, row, BATCHES_A_NIGHT), False)
    return len(archive.waiting())
