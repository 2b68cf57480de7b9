"""Contracts: created for active partners, moved on by the calendar of the provider."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from models.audit import AuditEvent
from models.contract import Contract
from models.outbox import Mail
from services import contracts
from services.clock import FakeClock
from services.contracts import ContractRefused
from services.refusal import NotFound
from tests.applicants import applicant, terms
from tests.cast import TB

TODAY = date(2026, 3, 2)


def test_a_contract_is_kept_exactly_as_agreed(cast, acting, settings):
    agreed = terms(TODAY, price_cents=Decimal("0.555"))
    contracts.create(acting(cast.olga), settings, cast.northwind.id, agreed)
    kept = Contract.get(Contract.number == "RCP-2026-0001")
    assert {name: getattr(kept, name) for name in vars(agreed)} == vars(agreed)
    assert (kept.state, kept.allocated_bytes, kept.free_bytes, kept.partner) == ("active", 0, 10 * TB, cast.northwind)


def test_the_partners_administrator_is_told_and_the_trail_says_what_was_agreed(cast, acting, settings):
    contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY))
    mail = Mail.get()
    assert (mail.template, mail.recipient) == ("contract_created", cast.alice.email)
    assert "RCP-2026-0001" in mail.subject
    assert "Capacity: 10\u00a0TB" in mail.text
    event = AuditEvent.get(AuditEvent.action == "contract.created")
    assert (event.partner, event.after["price_cents"], event.after["starts_on"]) == (
        cast.northwind,
        "0.55",
        "2026-03-02",
    )


def test_a_contract_of_the_future_waits_for_its_first_day(cast, acting, settings):
    made = contracts.create(
        acting(cast.olga), settings, cast.northwind.id, terms(TODAY, starts_on=TODAY + timedelta(days=1))
    )
    assert made.state == "draft"
    assert "from its first day on" in Mail.get().text


def test_a_number_that_another_operator_took_since_the_look_is_refused(cast, acting, settings, monkeypatch):
    contracts.create(acting(cast.oscar), settings, cast.contoso.id, terms(TODAY))
    seen, look = [False], contracts._number_taken
    monkeypatch.setattr(contracts, "_number_taken", lambda number: seen.pop() if seen else look(number))
    with pytest.raises(ContractRefused, match="Another contract has this number") as refused:
        contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY))
    assert refused.value.field == "number" and not seen
    assert Contract.select().where(Contract.number == terms(TODAY).number).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "RCP-1001"}, "number"),
        ({"number": "rcp-1001"}, "number"),
        ({"number": "RCP 1"}, "number"),
        ({"number": ""}, "number"),
        ({"kind": "free"}, "kind"),
        ({"reserved_bytes": 0}, "reserved_bytes"),
        ({"reserved_bytes": -TB}, "reserved_bytes"),
        ({"reserved_bytes": TB + 1}, "reserved_bytes"),
        ({"reserved_bytes": 10**19}, "reserved_bytes"),
        ({"price_cents": Decimal(-1)}, "price_cents"),
        ({"price_cents": Decimal("NaN")}, "price_cents"),
        ({"excess_price_cents": Decimal(10**9)}, "excess_price_cents"),
        ({"egress_price_cents": Decimal("Infinity")}, "egress_price_cents"),
        ({"currency": "XXX"}, "currency"),
        ({"ends_on": TODAY}, "ends_on"),
        ({"starts_on": date(2020, 1, 1), "ends_on": date(2020, 12, 31)}, "ends_on"),
        ({"notice_days": -1}, "notice_days"),
        ({"notice_days": 10**6}, "notice_days"),
    ],
)
def test_what_cannot_be_agreed_is_refused_beside_its_field(cast, acting, settings, changes, field):
    with pytest.raises(ContractRefused) as refused:
        contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY, **changes))
    assert refused.value.field == field
    assert Contract.select().count() == 2
    assert not Mail.select().exists()


def test_pay_per_use_needs_no_capacity_and_no_end(cast, acting, settings):
    agreed = terms(TODAY, kind="pay_per_use", reserved_bytes=0, ends_on=None)
    assert contracts.create(acting(cast.olga), settings, cast.northwind.id, agreed).state == "active"


@pytest.mark.parametrize("state", ["applied", "query", "suspended", "closed", "refused"])
def test_only_active_partners_get_a_contract(cast, acting, settings, clock, state):
    partner = applicant(clock.now(), state=state)
    with pytest.raises(ContractRefused):
        contracts.create(acting(cast.olga), settings, partner.id, terms(TODAY))


def test_an_unknown_partner_is_not_found(cast, acting, settings):
    with pytest.raises(NotFound):
        contracts.create(acting(cast.olga), settings, 999_999, terms(TODAY))


def test_the_same_form_sent_twice_makes_one_contract(cast, acting, settings):
    first = contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY), "form-1")
    again = contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY), "form-1")
    assert first == again
    assert Contract.select().count() == 3
    assert Mail.select().count() == 1


def test_the_suggested_number_follows_the_highest_of_the_year(cast, acting, settings):
    assert contracts.suggested_number(TODAY) == "RCP-2026-0001"
    for number in ("RCP-2026-0041", "RCP-2026-0007", "RCP-2025-0900", "RCP-2026-special"):
        contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY, number=number))
    assert contracts.suggested_number(TODAY) == "RCP-2026-0042"


@pytest.mark.parametrize(
    ("text", "locale", "cents"),
    [
        ("0.55", "en", "0.55"),
        ("0,55", "en", "0.55"),
        ("0,55", "de", "0.55"),
        ("0.55", "de", "0.55"),
        (" 12 ", "en", "12"),
        ("0.555", "de", "0.555"),
        ("1.234", "en", "1.234"),
        ("1234,5", "de", "1234.5"),
    ],
)
def test_prices_are_read_exactly_in_either_notation(text, locale, cents):
    assert contracts.parse_price_cents(text, locale) == Decimal(cents)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("1.234", "de"),
        ("1,234", "en"),
        ("", "en"),
        ("-1", "en"),
        ("1e3", "en"),
        ("0.1234567", "en"),
        ("1.5.2", "en"),
        ("٣", "en"),
        ("NaN", "en"),
    ],
)
def test_prices_that_could_mean_something_else_are_refused(text, locale):
    with pytest.raises(ContractRefused):
        contracts.parse_price_cents(text, locale)


def at(text: str) -> FakeClock:
    return FakeClock(datetime.fromisoformat(text).replace(tzinfo=UTC))


def swept(clock: FakeClock, settings, acting) -> list[str]:
    act = acting(None)
    return [row.number for row in contracts.sweep(type(act)(at=clock.now()), settings)]


def test_a_contract_begins_at_midnight_where_the_provider_is(cast, acting, settings):
    contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY, starts_on=date(2026, 3, 10)))
    assert swept(at("2026-03-09 22:59"), settings, acting) == []
    assert swept(at("2026-03-09 23:00"), settings, acting) == ["RCP-2026-0001"]
    assert Contract.get(Contract.number == "RCP-2026-0001").state == "active"


def test_a_contract_ends_after_its_last_day_where_the_provider_is(cast, acting, settings):
    contracts.create(acting(cast.olga), settings, cast.northwind.id, terms(TODAY, ends_on=date(2026, 7, 31)))
    assert swept(at("2026-07-31 21:59"), settings, acting) == []
    assert swept(at("2026-07-31 22:00"), settings, acting) == ["RCP-2026-0001"]
    assert swept(at("2026-07-31 22:00"), settings, acting) == []
    events = AuditEvent.select().where(AuditEvent.action == "contract.expired")
    assert [(event.before, event.after) for event in events] == [({"state": "active"}, {"state": "expired"})]


def test_a_contract_whose_whole_term_was_slept_through_ends(cast, acting, settings):
    contracts.create(
        acting(cast.olga),
        settings,
        cast.northwind.id,
        terms(TODAY, starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 11)),
    )
    assert swept(at("2026-05-01 12:00"), settings, acting) == ["RCP-2026-0001"]
    assert Contract.get(Contract.number == "RCP-2026-0001").state == "expired"


def test_a_terminated_contract_stays_as_it_is(cast, acting, settings):
    Contract.update(state="terminated").execute()
    assert swept(at("2035-01-01 00:00"), settings, acting) == []
