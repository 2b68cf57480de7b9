"""Sample data: made once, and finished by the next start when something came in between."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from models import flow_down
from models.audit import AuditEvent
from models.change_request import ChangeRequest, RequestMessage
from models.contract import Contract
from models.notice import Notice
from models.operator import Operator
from models.partner import Member, Partner
from models.partner_document import PartnerDocument
from models.sub_account import AccessKey, SubAccount
from models.usage import UsageDay
from services import demo, installation, integrations, log_in
from services.clock import FakeClock
from services.demo.accounts import CUSTOMERS
from tests.evidence_ground import unguarded

SOON = datetime(2026, 3, 6, tzinfo=UTC)


class Interrupted(BaseException):
    """As Ctrl-C: nothing catches it."""


class StoppingClock(FakeClock):
    """Ends whoever asks it the time more than `most` times."""

    def __init__(self, at: datetime, most: int):
        super().__init__(at)
        self.left = most

    def now(self) -> datetime:
        if not self.left:
            raise Interrupted
        self.left -= 1
        return super().now()


@pytest.fixture
def fresh(app, clock):
    """A portal as `init` leaves it."""
    app.settings.var_dir.mkdir(parents=True, exist_ok=True)
    installation.prepare(app.settings, clock)
    return app.settings


def made() -> dict:
    return {
        "operators": sorted((row.email, bool(row.password_hash)) for row in Operator.select()),
        "partners": sorted((row.legal_name, row.state) for row in Partner.select()),
        "members": sorted((row.email, row.email_confirmed_at is not None) for row in Member.select()),
        "contracts": sorted((row.number, row.state, row.allocated_bytes) for row in Contract.select()),
        "accounts": sorted((row.name, row.allocated_bytes) for row in SubAccount.select()),
        "keys": AccessKey.select().count(),
        "terms": sorted(state for (state,) in SubAccount.select(flow_down.state(SOON)).tuples()),
        "asked": [(row.kind, row.state, RequestMessage.select().count()) for row in ChangeRequest.select()],
        "notices": sorted((row.state, row.asks) for row in Notice.select()),
        "papers": sorted((row.kind, row.readers) for row in PartnerDocument.select()),
        "programs": [row.name for row in integrations.listed()],
        "days": UsageDay.select().count(),
        "finished": AuditEvent.select().where(AuditEvent.action == demo.FINISHED).count(),
    }


WHOLE = {
    "operators": [("olga@provider.example.com", True), ("otto@provider.example.com", True)],
    "partners": [("Küstendaten e.K.", "applied"), ("Nordlicht IT GmbH", "active")],
    "members": [("jonas@kuestendaten.example.com", True), ("mara@nordlicht-it.example.com", True)],
    "contracts": [
        ("RCP-2026-0001", "active", sum(sample.allocated_bytes for sample in CUSTOMERS)),
        ("RCP-2026-0002", "active", 0),
    ],
    "accounts": sorted((sample.customer, sample.allocated_bytes) for sample in CUSTOMERS),
    "keys": len(CUSTOMERS),
    "terms": ["accepted", "attested", "attested", "sent"],
    "asked": [("more_capacity", "open", 3)],
    "notices": [("published", True)],
    "papers": [("price_list", "staff")],
    "programs": ["AWS CLI", "rclone", "restic"],
    "days": len(CUSTOMERS) * demo.PAST_DAYS,
    "finished": 1,
}


def test_everything_is_there_and_everybody_can_sign_in(fresh, clock, acting):
    lines = demo.make(fresh, clock)
    assert made() == WHOLE
    password = lines[-1].split()[-1]
    for email in (
        "olga@provider.example.com",
        "otto@provider.example.com",
        "mara@nordlicht-it.example.com",
        "jonas@kuestendaten.example.com",
    ):
        assert email in "\n".join(lines)
        assert log_in.check(acting(), fresh, email, password).email == email


def test_a_second_time_makes_nothing_and_says_the_same(fresh, clock):
    first = demo.make(fresh, clock)
    events = AuditEvent.select().count()
    assert demo.make(fresh, clock) == first
    assert (made(), AuditEvent.select().count()) == (WHOLE, events)


def test_however_often_it_is_interrupted_the_next_one_goes_on(fresh, clock):
    """Each start gets one step further than the one before, so that it is stopped at every step."""
    for most in range(200):
        try:
            lines = demo.make(fresh, StoppingClock(clock.now(), most))
        except Interrupted:
            continue
        break
    assert most > 5
    assert made() == WHOLE
    assert lines == demo.make(fresh, clock)


def test_an_interruption_between_signing_up_and_confirming_is_made_good(fresh, clock, acting):
    demo.make(fresh, clock)
    with unguarded():
        AuditEvent.delete().where(AuditEvent.action == demo.FINISHED).execute()
    Member.update(email_confirmed_at=None).where(Member.email.startswith("jonas")).execute()
    Partner.update(state="draft").where(Partner.legal_name.startswith("K")).execute()
    demo.make(fresh, clock)
    assert made() == WHOLE


def test_what_a_visitor_changed_stays_changed(fresh, clock):
    demo.make(fresh, clock)
    UsageDay.delete().execute()
    AccessKey.delete().where(AccessKey.sub_account == SubAccount.select().first()).execute()
    changed = made()
    demo.make(fresh, clock)
    assert made() == changed


def test_a_database_in_use_is_left_alone(app, cast, clock):
    before = made()
    assert demo.make(app.settings, clock) == ["This database is in use, so no sample data was added."]
    assert made() == before


@pytest.mark.parametrize(
    ("zone", "at", "first_on"),
    [
        ("Pacific/Honolulu", datetime(2026, 3, 5, 3, tzinfo=UTC), "2026-03-04"),
        ("Europe/Berlin", datetime(2026, 3, 4, 23, 30, tzinfo=UTC), "2026-03-05"),
    ],
)
def test_the_contract_begins_today_where_the_provider_is(fresh, zone, at, first_on):
    """Begun on the UTC day it would be a draft west of Greenwich, and the rest would be refused."""
    settings = replace(fresh, provider=replace(fresh.provider, time_zone=zone))
    demo.make(settings, FakeClock(at))
    contract = Contract.select().order_by(Contract.id).first()
    assert (contract.starts_on.isoformat(), contract.state) == (first_on, "active")
    assert SubAccount.select().count() == len(CUSTOMERS)
