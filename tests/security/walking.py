"""A walk over every address of the portal: for each part of each address something of one's own, something of others,
and something that is not there. Sweeps are made from the URL map, so what is added later is walked by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from models.base import database, is_sqlite
from models.change_request import ChangeRequest, RequestMessage
from models.closure import Closure
from models.console import ConsoleSession
from models.flow_down import FlowDown
from models.incident import Incident
from models.integration import Integration
from models.notice import Notice
from models.operator import Operator
from models.outbox import Mail
from models.partner import Member, Partner
from models.partner_document import PartnerDocument
from models.second_factor import FactorReset, Passkey, TrustedDevice
from models.session import Session
from models.stored_file import StoredFile
from models.sub_account import AccessKey
from models.support import SupportAccess
from models.team import Invitation
from models.terms import Acceptance, PortalChange, TermsVersion
from services import sessions
from tests import accounts
from tests.cast import Cast, act_of
from tests.house.test_access import declared, rules
from tests.models import rows
from tests.notices import LANGUAGES, published
from tests.services import consoles

SIDES = ("own", "mixed", "foreign", "unknown")
UNKNOWN = {"Id": "999999", "AccountNumber": "000000000000", "Token": "a" * 43}
ROLES = ("nobody", "viewer", "staff", "admin", "foreign admin", "support", "manager", "owner", "customer")
MEMBERS = ("viewer", "staff", "admin")
OPERATORS = ("support", "manager", "owner")


@dataclass(frozen=True)
class Way:
    """One method of one address."""

    method: str
    rule: Any
    access: Any

    @property
    def endpoint(self) -> str:
        return self.rule.endpoint

    @property
    def parts(self) -> list[str]:
        """The names of what varies in the address, in order."""
        return [name for is_variable, name in self.rule._trace if is_variable]

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


def ways(app, *methods: str) -> list[Way]:
    """Every address with each of its methods, static files aside."""
    found = [Way(method, rule, declared(app, rule)) for rule in rules(app) for method in sorted(rule.methods)]
    return [way for way in found if way.method in (methods or ("GET", "POST", "PUT", "PATCH", "DELETE"))]


class World:
    """Two partners with one of each thing, the provider's own things, and who walks between them."""

    def __init__(self, cast: Cast, settings, at):
        self.cast, self.settings, self.at = cast, settings, at
        manager = rows.make(
            Operator, name="Mona Mair", email="mona@provider.example.com", email_key="mona@provider.example.com",
            right="manager",
        )  # fmt: skip
        self.people = {
            "viewer": cast.vera, "staff": cast.bob, "admin": cast.alice, "foreign admin": cast.charlie,
            "support": cast.oscar, "manager": manager, "owner": cast.olga,
        }  # fmt: skip
        self.own = self._partners_things(cast.alice, cast.vera, cast.contract)
        colleague = rows.make(Member, partner=cast.contoso, role="staff")
        self.foreign = self._partners_things(cast.charlie, colleague, cast.other_contract)
        self.provider = self._providers_things()
        self.personal = {role: self._personal_things(person) for role, person in self.people.items()}
        self.customers = {
            side: consoles.joined(cast, settings, things["account"], at)
            for side, things in (("own", self.own), ("foreign", self.foreign))
        }
        self.console_log_ins = {side: consoles.begun(user, at) for side, user in self.customers.items()}

    def _partners_things(self, who: Member, colleague: Member, contract) -> dict[str, Any]:
        partner, at = who.partner, self.at
        account = accounts.opened(self.cast, self.settings, at, f"Customer of {partner.public_id}", who=who)
        below = rows.make(
            Partner, parent=partner, kind="distributor_partner", state="active", public_id=f"below-{partner.public_id}"
        )
        Partner.update(kind="distributor").where(Partner.id == partner.id).execute()
        notice = published(self.cast, at, asks=True, partner_ids=(partner.id,))
        asked = rows.make(
            ChangeRequest, partner=partner, contract=contract, asked_by=who, kind="more_capacity",
            number=f"REQ-{partner.id}", wanted={"more_bytes": 10**12}, asked_at=at, turn_at=at,
        )  # fmt: skip
        rows.make(RequestMessage, request=asked, member=who, text="Please", at=at)
        paper = self._file(f"paper-{partner.public_id}")
        attested = self._file(f"attested-{partner.public_id}")
        rows.make(FlowDown, sub_account=account, version=TermsVersion.get(kind="flow_down"), document=attested)
        access = rows.make(SupportAccess, partner=partner, granted_by=who, expires_at=at + timedelta(days=2))
        reset = rows.make(FactorReset, member=colleague, asked_at=at, asked_by=f"member:{who.id}", needs_two=True)
        document = rows.make(PartnerDocument, partner=partner, file=paper, public_id=paper.public_id, readers="viewer")
        past = {"notice_until_at": 4, "transition_until_at": 4, "retrieval_until_at": 3, "purge_from_at": 3, "closed_at": 2}
        past = {"asked_at": at - timedelta(days=9), **{name: at - timedelta(days=days) for name, days in past.items()}}
        closure = rows.make(
            Closure, partner=partner, contract=contract, state="closed", certificate='{"format": 1}', file=paper,
            public_id=f"closure-{partner.public_id}", **past,
        )  # fmt: skip
        return {
            "partner": partner, "account": account, "key": AccessKey.get(AccessKey.sub_account == account),
            "contract": contract, "colleague": colleague, "below": below, "notice": notice, "request": asked,
            "below_member": rows.make(Member, partner=below, role="staff", public_id=f"member-{below.public_id}"),
            "invitation": self._invitation(partner, who), "below_invitation": self._invitation(below, who),
            "paper": document, "attested": attested, "closure": closure, "support": access, "reset": reset,
        }  # fmt: skip

    def _file(self, public_id: str) -> StoredFile:
        return rows.make(StoredFile, public_id=public_id, name="paper.pdf", content=b"%PDF-1.4 paper", size_bytes=14)

    def _invitation(self, partner: Partner, who: Member) -> Invitation:
        return rows.make(
            Invitation, partner=partner, invited_by=who, public_id=f"invited-{partner.public_id}", role="viewer",
            created_at=self.at, expires_at=self.at + timedelta(days=2),
        )  # fmt: skip

    def _personal_things(self, person: Member | Operator) -> dict[str, Any]:
        kind = "operator" if isinstance(person, Operator) else "member"
        owner = {"member": None, "operator": None, kind: person}
        sessions.begin(act_of(person, self.at), person, self.settings)
        newest = Session.select().where(getattr(Session, kind) == person).order_by(Session.id.desc())
        things = {
            "session_id": newest.get(),
            "device_id": rows.make(TrustedDevice, **owner),
            "passkey_id": rows.make(Passkey, **owner),
        }
        if kind == "member":
            things["acceptance_id"] = Acceptance.get_or_none(Acceptance.member == person)
        return {name: row.id if row else None for name, row in things.items()}

    def _providers_things(self) -> dict[str, Any]:
        cast, at = self.cast, self.at
        by_name = {
            "finding_id": "Drift", "change_id": PortalChange, "integration_id": Integration, "mail_id": Mail,
            "switch_id": "FeatureSwitch", "request_id": "OperatorRequest",
        }  # fmt: skip
        tables = {table.__name__: table for table in rows.all_tables()}
        given: dict[str, dict] = {
            "change_id": {"effective_at": at}, "finding_id": {"region": cast.region},
            "integration_id": {"url": "https://example.com/", "purposes": dict.fromkeys(LANGUAGES, "Use")},
            "switch_id": {"area": "usage", "partner": None, "texts": dict.fromkeys(LANGUAGES, "Off"), "off_from_at": at + timedelta(days=9)},
            "request_id": {"operator": cast.oscar, "asked_by": cast.olga},
        }  # fmt: skip
        made: dict[str, Any] = {}
        for name, table in by_name.items():
            of_it = tables[table] if isinstance(table, str) else table
            there = {key: value for key, value in given.get(name, {}).items() if key in of_it._meta.fields}
            made[name] = rows.make(of_it, **there).id
        draft = rows.make(
            Notice, state="draft", titles=dict.fromkeys(LANGUAGES, "T"), bodies=dict.fromkeys(LANGUAGES, "B"),
            audience={"kinds": [], "roles": []}, blocks=[],
        )  # fmt: skip
        incident = rows.make(Incident, number="INC-1", reported_at=at, partner=cast.northwind, member=cast.alice)
        return made | {
            "incident": incident.number, "notice_id": draft.id, "operator_id": cast.oscar.id,
            "region_id": cast.region.id, "partner_id": cast.northwind.id, "record_class": "voucher",
            "kind": "portal_terms", "language": "en", "label": TermsVersion.get(kind="portal_terms").label,
        }  # fmt: skip

    def value(self, way: Way, part: str, side: str, role: str) -> str | None:
        """What stands in this place of the address; None where there is nothing of this sort on this side."""
        converter = way.rule._converters[part]
        if side == "unknown":
            return UNKNOWN.get(type(converter).__name__, "nothing-here")
        if type(converter).__name__ == "Token":
            return None
        if part in ("session_id", "device_id", "passkey_id", "acceptance_id") and not way.access.console:
            return self._of_a_person(part, side, role)
        if way.endpoint.startswith("admin.") or part in ("kind", "label", "language"):
            return self._of_the_provider(way, part, side)
        if way.access.console and part == "session_id":
            log_in = ConsoleSession.user == self.customers[side]
            return str(ConsoleSession.select().where(log_in).order_by(ConsoleSession.id).first().id)
        return of_a_partner(way, part, self.own if side == "own" else self.foreign)

    def _of_a_person(self, part: str, side: str, role: str) -> str | None:
        other = "admin" if role == "foreign admin" else "foreign admin"
        mine = self.personal.get(role, self.personal["admin"])
        found = (mine if side == "own" else self.personal[other]).get(part)
        return str(found) if found else None

    def _of_the_provider(self, way: Way, part: str, side: str) -> str | None:
        if part == "kind" and way.endpoint.startswith(("leave.", "admin.closure")):
            return "pdf"
        if part == "kind" and way.endpoint.startswith("change_requests."):
            return "more_capacity"
        if part in self.provider and way.endpoint != "evidence.of_partner":
            return str(self.provider[part])
        if part == "number" and "incident" in str(way.rule):
            return self.provider["incident"]
        return of_a_partner(way, part, self.own)

    def address(self, way: Way, side: str, role: str = "admin") -> str | None:
        """The path; None where this side has no such thing. `mixed`: what stands first is one's own, the rest not."""
        pieces, first = [], True
        for is_variable, piece in way.rule._trace:
            if not is_variable:
                pieces.append(piece.replace("|", ""))
                continue
            of_side = ("own" if first else "foreign") if side == "mixed" else side
            value, first = self.value(way, piece, of_side, role), False
            if value is None:
                return None
            pieces.append(value)
        return "".join(pieces)


def of_a_partner(way: Way, part: str, things: dict[str, Any]) -> str | None:
    """By what the address is about."""
    path, below = way.rule.rule, "/partners/<name:partner>" in way.rule.rule
    if part == "number":
        is_account = "account:number" in path
        return things["account"].number if is_account else things["request" if "/requests/" in path else "contract"].number
    if part == "public_id":
        for mark, name in (
            ("invitations", "below_invitation" if below else "invitation"), ("/team", "below_member" if below else "colleague"),
            ("people", "colleague"), ("support-access", "support"), ("certificate", "closure"), ("closures", "closure"),
            ("terms/documents", "attested"), ("end-customers", "attested"), ("documents", "paper"),
        ):  # fmt: skip
            if mark in path:
                return things[name].public_id
    named = {
        "partner": things["below"].public_id, "key_id": str(things["key"].id), "notice_id": str(things["notice"].id),
        "reset_id": str(things["reset"].id), "partner_id": str(things["partner"].id),
    }  # fmt: skip
    return named.get(part)


def signed_in(app, world: World, role: str):
    """A browser of somebody with this role."""
    browser = app.test_client()
    if role == "customer":
        consoles.signed_in(browser, world.customers["own"], world.at)
    elif role != "nobody":
        browser.sign_in(world.people[role])
    return browser


class Snapshot:
    """The whole database as it is, to return to: what one request changes is not there for the next."""

    def __init__(self):
        import sqlite3

        assert is_sqlite()
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        database.connection().backup(self._kept)

    def restore(self) -> None:
        self._kept.backup(database.connection())


def contents() -> dict[str, list[tuple]]:
    """Every row of every table, in order."""
    found = {}
    for table in sorted(database.get_tables()):
        cursor = database.execute_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - own names
        names = [column[0] for column in cursor.description]
        found[table] = sorted((dict(zip(names, row, strict=True)) for row in cursor.fetchall()), key=repr)
    return found


def every(app, world: World, *methods: str, sides: tuple[str, ...] = ("own",), role: str = "admin") -> Iterator:
    """(way, side, path) for each address, of the portal and of the console."""
    for way in ways(app, *methods):
        for side in sides:
            path = world.address(way, side, role)
            if path is not None and (side in ("own", "unknown") or way.parts):
                yield way, side, path


def way_of(app, path: str) -> str:
    """The rule behind a path that is posted to."""
    return app.url_map.bind("").match(urlsplit(path).path, method="POST", return_rule=True)[0].rule
