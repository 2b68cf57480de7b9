"""What somebody asks the trail for: the same filters on the partner's page, on the operators' and in their files."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from blueprints.access import viewer
from blueprints.formats import chosen_zone
from blueprints.whole_numbers import whole
from models.partner import Member, Partner
from services.clock import midnight
from services.trail import PORTAL, Wanted

LONGEST = 120
# kinds of things as a reader knows them; what is not here can still be asked for by the address of a thing's page
KINDS = {
    "access_key": _l("Access keys"),
    "allocation": _l("Allocation"),
    "change_request": _l("Requests"),
    "closure": _l("Closure of the account"),
    "console_session": _l("Log-ins of customers"),
    "console_user": _l("Customers in the console"),
    "contract": _l("Contracts"),
    "customer": _l("Customers"),
    "flow_down": _l("Terms for end customers"),
    "hand_over": _l("Links that hand keys over"),
    "invitation": _l("Invitations"),
    "member": _l("People"),
    "notice": _l("Notices"),
    "partner": _l("Company"),
    "partner_document": _l("Documents"),
    "session": _l("Log-ins"),
    "sub_account": _l("Sub-accounts"),
    "terms_version": _l("Terms"),
}
SOURCES = {"web": _l("website"), "worker": _l("worker"), "cli": _l("command line"), "erasure": _l("erasure")}


@dataclass(frozen=True)
class Filters:
    """`wanted` is what the database is asked, `values` what stands in the fields, `args` what addresses carry on."""

    wanted: Wanted
    values: dict[str, str]
    before: int | None
    problem: str = ""

    @property
    def args(self) -> dict[str, str]:
        return {name: value for name, value in self.values.items() if value}


def read() -> Filters:
    """From the address. A day that is none is left out, with a sentence; nothing else can be wrong."""
    names = ("kind", "thing", "person", "source", "from", "until")
    values = {name: request.args.get(name, "").strip()[:LONGEST].replace("\x00", "") for name in names}
    days = {name: day(values[name]) for name in ("from", "until")}
    wrong = [name for name, on in days.items() if values[name] and on is None]
    first, last = days["from"], days["until"]
    return Filters(
        Wanted(
            kind=values["kind"],
            thing=values["thing"],
            person=values["person"],
            source=values["source"],
            from_at=midnight(first, chosen_zone()) if first else None,
            until_at=midnight(last + timedelta(days=1), chosen_zone()) if last else None,
        ),
        values,
        request.args.get("before", type=whole),
        _("This is not a day. Write it as 2026-03-31.") if wrong else "",
    )


def day(text: str) -> date | None:
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None
    return on if date(2000, 1, 1) <= on < date(2200, 1, 1) else None


def people(partner: Partner | None, provider_name: str) -> list[tuple[str, str]]:
    """Whose acts can be asked for: value and name."""
    own = Member.select().where(Member.partner == partner).order_by(Member.name, Member.id) if partner else ()
    staff = _("%(provider)s staff", provider=provider_name)
    everybody = [("console_user", _("Customers")), ("operator", staff), (PORTAL, _("The portal"))]
    return [*((f"member:{member.id}", member.name) for member in own), *everybody]


def sees_keys() -> bool:
    """Whoever only looks is told that a key changed, and not which."""
    return viewer.operator is not None or viewer.member.role != "viewer"
