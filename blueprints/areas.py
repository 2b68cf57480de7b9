"""To which area of the portal an endpoint belongs (services/features.py), and what of them is open to somebody now."""

from typing import Protocol

from flask import g

from blueprints.permissions import Permission
from models.base import DATABASE_AWAY
from models.partner import Member
from services import notices

# Which area a right opens. An endpoint that belongs elsewhere says so: @requires(…, area="exports").
AREA_OF: dict[Permission, str] = {
    Permission.ALLOCATION_CHANGE: "allocation",
    Permission.ALLOCATION_VIEW: "allocation",
    Permission.COMPANY_CHANGE: "company",
    Permission.KEY_CHANGE: "keys",
    Permission.KEY_REVEAL: "keys",
    Permission.REQUEST_OPEN: "requests",
    Permission.SSO_MANAGE: "sso",
    Permission.SUB_ACCOUNT_CHANGE: "sub_account_change",
    Permission.SUB_ACCOUNT_DELETE: "sub_account_deletion",
    Permission.SUB_ACCOUNT_EXPORT: "exports",
    Permission.SUB_ACCOUNT_LIST: "sub_accounts",
    Permission.SUB_ACCOUNT_PAUSE: "sub_account_change",
    Permission.SUB_ACCOUNT_VIEW: "sub_accounts",
    Permission.USAGE_VIEW: "usage",
}

# What can never be switched off, by endpoint or by the name of its area of code, and why.
NEVER_OFF: dict[str, str] = {
    "access_keys.switch_off": "a key that leaked has to be stopped at any time",
    "access_keys.withdraw_link": "a link that went astray has to be stopped at any time",
    "activity": "who changed what can be read at any time (T3)",
    "admin": "staff switch areas on again here",
    "application": "a partner sees where it stands, and answers what we ask",
    "auth": "nobody is locked in or out by a switch; log-out ends each session (T12)",
    "brand": "what pages are made of",
    "change_log": "what changes in the portal is public (T5)",
    "change_requests": "what was asked goes on, and closing can be asked for at any time (T20)",
    "company.confirm": "what has a deadline can be confirmed at any time (T8)",
    "company.show": "own data can be looked at at any time",
    "console.answer_terms": "customers agree to, or refuse, what binds them (T2)",
    "console.decline_terms": "customers agree to, or refuse, what binds them (T2)",
    "console.language": "texts have to be understood",
    "console.log_out": "log-out ends each session (T12)",
    "console.log_ins": "own log-ins can be looked at and ended at any time (T10, T12)",
    "console.end_log_in": "own log-ins can be looked at and ended at any time (T10, T12)",
    "console.end_other_log_ins": "own log-ins can be looked at and ended at any time (T10, T12)",
    "console.own_data": "everybody sees and takes along what is theirs, at any time (T18)",
    "console.signed_out": "where log-out leads",
    "console.stop_keys": "keys that leaked have to be stopped at any time (T11)",
    "console.stop_keys_now": "keys that leaked have to be stopped at any time (T11)",
    "console.switch_off": "a key that leaked has to be stopped at any time",
    "console.terms": "customers agree to, or refuse, what binds them (T2)",
    "dashboard": "the start page, which says what is off",
    "evidence": "evidence of consent is everybody's own (T1)",
    "flow_down": "customers agree to, or refuse, what binds them (T2)",
    "health": "asked by the process runner",
    "integrations": "a list of links",
    "language": "texts have to be understood",
    "leave": "leaving and fetching data are never closed (T20)",
    "notices": "instructions and regulations have to be read (T6)",
    "outward": "the way out of the portal",
    "own_data": "everybody sees and takes along what is theirs, at any time (T18, T21)",
    "papers": "what was agreed has to be readable (T17)",
    "profile": "own data, own password (T10)",
    "prove": "sensitive acts ask who one is, and they are never off (T10)",
    "second": "nobody is locked in or out by a switch (T10)",
    "security": "own factors, devices and recovery codes (T10)",
    "meter": "says how good a password is while one is chosen",
    "public": "the start page of strangers",
    "sub_accounts.console_off": "access is taken away at any time (T4)",
    "sub_accounts.console_remove": "access is taken away at any time (T4)",
    "sub_accounts.console_withdraw": "access is taken away at any time (T4)",
    "report": "a breach can be reported at any time, by anybody (T11)",
    "sessions": "own log-ins can be looked at and ended at any time (T10, T12)",
    "sso_log_in.back": "takes what a provider sent out of the address, whatever is off",
    "sso_log_in.prove": "sensitive acts ask who one is, and they are never off (T10)",
    "sso_log_in.failed_page": "says why a log-in did not happen",
    "static": "what pages are made of",
    "support": "who of the provider looks is seen and ended at any time (T3)",
    "team": "access has to be given and taken away at any time (T4)",
    "terms": "documents, consent and its receipts (T1, T22)",
}


class Declared(Protocol):
    """What an endpoint says of itself, as far as it matters here."""

    @property
    def permission(self) -> Permission | None: ...

    @property
    def area(self) -> str | None: ...


def area_of(endpoint: str, declared: Declared) -> str | None:
    """The area that an endpoint belongs to; None for what is never off."""
    if declared.area is not None:
        return declared.area
    if endpoint in NEVER_OFF or declared.permission is None:
        return None
    return AREA_OF.get(declared.permission)


def present(member: Member | None) -> notices.Present:
    """What holds for this request's person; the database is asked once."""
    known: dict[int | None, notices.Present] = g.setdefault("present", {})
    whose = member.id if member else None
    if whose not in known:
        known[whose] = notices.present(member, g.clock.now())
    return known[whose]


def shown(member: Member) -> notices.Present:
    """What holds, for the frame of a page. The page that says that the database is away has a frame too."""
    try:
        return present(member)
    except DATABASE_AWAY:
        return notices.Present(g.clock.now(), (), ())


def offered(area: str | None, member: Member) -> bool:
    """Whether the area is on: pages offer nothing that would be refused. One that waits for a notice is offered: the
    way to it leads over the notice."""
    return area is None or shown(member).off(area) is None
