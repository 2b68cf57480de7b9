"""Opening a sub-account: everything or nothing, once, within the contract, with words for every refusal."""

import re
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest

from models.audit import AuditEvent
from models.contract import AllocationEntry, Contract
from models.flow_down import FlowDown
from models.sub_account import AccessKey, Customer, SubAccount
from models.terms import TermsVersion
from services import sub_accounts
from services.allocation import AllocationRefused
from services.flow_down import FlowDownRefused
from services.names import NameRefused
from services.once import KeyReused
from services.refusal import NotFound, Refusal
from services.sub_account_lookup import own_sub_account
from services.sub_accounts import SubAccountRefused, SubAccountWish
from tests.past_the_rules import published_texts_can_be_changed

TB = 10**12


@pytest.fixture
def wish(cast) -> SubAccountWish:
    return SubAccountWish(
        contract_number="RCP-1001",
        region=cast.region.name,
        customer="Müller GmbH",
        name="",
        contact_name="Marta Müller",
        contact_email="marta@mueller.example.com",
        billing="reserved",
        allocated_bytes=TB,
        allow_overdraft=False,
        flow_down_reference="MSA-77",
        flow_down_agreed_on=date(2026, 2, 1),
    )


@pytest.fixture
def create(cast, acting, settings):
    def create(wish: SubAccountWish, once_key: str = "once-1", who=None) -> SubAccount:
        who = who or cast.alice
        return sub_accounts.create(acting(who), settings, who.partner, wish, once_key)

    return create


def refused(create, wish: SubAccountWish) -> Refusal:
    """The refusal, after a look that nothing was left behind."""
    with pytest.raises(Refusal) as caught:
        create(wish)
    for table in (SubAccount, Customer, AccessKey, FlowDown, AllocationEntry):
        assert table.select().count() == 0
    assert Contract.get(Contract.number == "RCP-1001").allocated_bytes == 0
    return caught.value


def test_one_act_leaves_row_customer_first_key_flow_down_ledger_and_trail(create, wish, cast, clock):
    account = SubAccount.get_by_id(create(wish).id)
    assert len(account.number) == 12 and account.number.isdigit()
    assert re.fullmatch(r"pp-cast00-[a-z0-9]{16}", account.remote_uid)
    assert (account.phase, account.generation, account.observed_generation) == ("pending", 1, 0)
    assert account.next_attempt_at == clock.now() and account.deadline_at > clock.now()
    assert (account.name, account.customer.name, account.allocated_bytes) == ("Müller GmbH", "Müller GmbH", TB)
    key = AccessKey.get()
    assert (key.sub_account, key.origin, key.wanted, key.phase) == (account, "initial", "active", "pending")
    assert key.access_key_id is None and key.retained_ct is None
    agreed = FlowDown.get()
    assert (agreed.way, agreed.reference, agreed.agreed_on) == ("attested", "MSA-77", date(2026, 2, 1))
    assert agreed.attested_by == "Alice Adler" and agreed.version.kind == "flow_down"
    assert Contract.get_by_id(cast.contract.id).allocated_bytes == TB
    assert [(line.sub_account_id, line.after_bytes) for line in AllocationEntry.select()] == [(account.id, TB)]
    event = AuditEvent.get(AuditEvent.action == "sub_account.created")
    assert (event.thing_id, event.partner, event.actor_name) == (account.number, cast.northwind, "Alice Adler")


def test_the_same_form_twice_makes_one_sub_account(create, wish):
    assert create(wish).id == create(wish).id
    assert SubAccount.select().count() == AccessKey.select().count() == 1


def test_the_same_one_time_key_with_other_values_is_refused(create, wish):
    create(wish)
    with pytest.raises(KeyReused):
        create(replace(wish, name="Another"))
    assert SubAccount.select().count() == 1


def test_a_double_click_at_the_same_moment_makes_one(create, wish, db):
    numbers, start = [], threading.Barrier(4)

    def click():
        with db.connection_context():
            start.wait()
            numbers.append(create(wish).number)

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 4 and len(set(numbers)) == 1
    assert SubAccount.select().count() == 1
    assert Contract.get(Contract.number == "RCP-1001").allocated_bytes == TB


def test_many_at_once_never_hold_more_than_the_package(create, wish, db):
    """Six times 3 TB into 10 TB: three fit."""
    outcomes, start = [], threading.Barrier(6)

    def open_one(n: int):
        with db.connection_context():
            start.wait()
            try:
                create(replace(wish, customer=f"Customer {n}", allocated_bytes=3 * TB), f"once-{n}")
                outcomes.append("made")
            except AllocationRefused:
                outcomes.append("refused")

    threads = [threading.Thread(target=open_one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] * 3 + ["refused"] * 3
    assert Contract.get(Contract.number == "RCP-1001").allocated_bytes == 9 * TB
    assert Customer.select().count() == 3


def test_more_than_is_free_is_refused_with_what_is_free(create, wish):
    refusal = refused(create, replace(wish, allocated_bytes=11 * TB))
    assert isinstance(refusal, AllocationRefused)
    assert (refusal.field, refusal.values["free_bytes"]) == ("allocation", 10 * TB)


def test_a_full_package_takes_one_without_fixed_allocation(create, wish):
    create(replace(wish, allocated_bytes=10 * TB))
    account = create(replace(wish, customer="Pay As You Go", billing="pay_per_use", allocated_bytes=5 * TB), "once-2")
    assert (account.billing, account.allocated_bytes, account.hard_quota_bytes) == ("pay_per_use", 0, None)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("contract", {"contract_number": "RCP-9999"}),
        ("contract", {"contract_number": "RCP-2001"}),
        ("region", {"region": "moon"}),
        ("customer", {"customer": "  "}),
        ("customer", {"customer": "x" * 121}),
        ("name", {"name": "Mül\u202eler"}),
        ("contact_name", {"contact_name": ""}),
        ("billing", {"billing": "free"}),
        ("allocation", {"allocated_bytes": -(10**9)}),
        ("allocation", {"allocated_bytes": 10**9 + 1}),
        ("reference", {"flow_down_reference": " "}),
        ("reference", {"flow_down_reference": "MSA\x0077"}),
        ("agreed_on", {"flow_down_agreed_on": date(2026, 3, 3)}),
        ("agreed_on", {"flow_down_agreed_on": date(202, 3, 3)}),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(create, wish, field, changes):
    assert refused(create, replace(wish, **changes)).field == field


@pytest.mark.parametrize("state", ["draft", "expired", "terminated"])
def test_a_contract_that_is_not_active_opens_nothing(create, wish, cast, state):
    Contract.update(state=state).where(Contract.id == cast.contract.id).execute()
    assert refused(create, wish).field == "contract"


def test_a_pay_per_use_contract_has_no_fixed_allocations(create, wish, cast):
    Contract.update(kind="pay_per_use", reserved_bytes=0).where(Contract.id == cast.contract.id).execute()
    assert refused(create, wish).field == "billing"


def test_terms_that_a_newer_version_will_replace_hold_until_then(create, wish, cast, clock):
    TermsVersion.update(state="superseded").where(TermsVersion.kind == "flow_down").execute()
    from_then_on = clock.now() + timedelta(days=30)
    TermsVersion.create(
        kind="flow_down",
        label="2.0",
        language="en",
        title="Terms",
        body="Words.\n",
        sha256="0" * 64,
        state="published",
        published_at=clock.now(),
        effective_at=from_then_on,
    )
    account = create(wish)
    shown = own_sub_account(cast.northwind, account.number, clock.now())
    assert shown.flow_down.version.label == shown.flow_down_label == "1.0"
    assert own_sub_account(cast.northwind, account.number, from_then_on).flow_down_label == "2.0"


def test_without_published_flow_down_terms_nothing_is_opened(create, wish):
    with published_texts_can_be_changed():
        TermsVersion.update(state="draft").where(TermsVersion.kind == "flow_down").execute()
    assert isinstance(refused(create, wish), FlowDownRefused)


def test_a_name_is_unique_per_partner_whatever_its_case_and_width(create, wish, cast):
    first = create(wish)
    with pytest.raises(SubAccountRefused) as caught:
        create(replace(wish, name="ＭÜLLER  gmbh"), "once-2")
    assert caught.value.field == "name" and caught.value.values["number"] == first.number
    other = replace(wish, contract_number="RCP-2001")
    assert create(other, who=cast.charlie).name == "Müller GmbH"


def test_a_second_sub_account_of_a_customer_joins_the_first_one_s_customer(create, wish):
    one, two = create(wish), create(replace(wish, customer="müller GMBH", name="Müller backup"), "once-2")
    assert one.customer == two.customer and Customer.select().count() == 1


def test_describing_changes_name_and_contact_and_leaves_a_trail(create, wish, cast, acting):
    account = create(wish)
    changed = sub_accounts.describe(acting(cast.bob), account, "Müller  Nord", "Max", "max@mueller.example.com")
    row = SubAccount.get_by_id(account.id)
    assert (changed.name, row.name, row.name_key, row.contact_name) == (
        "Müller Nord",
        "Müller Nord",
        "müller nord",
        "Max",
    )
    event = AuditEvent.get(AuditEvent.action == "sub_account.described")
    assert event.before["name"] == "Müller GmbH" and event.after["name"] == "Müller Nord"
    sub_accounts.describe(acting(cast.bob), account, "Müller Nord", "Max", "max@mueller.example.com")
    assert AuditEvent.select().where(AuditEvent.action == "sub_account.described").count() == 1


def test_a_name_that_is_taken_or_hides_signs_cannot_be_given(create, wish, cast, acting):
    account, other = create(wish), create(replace(wish, customer="Second"), "once-2")
    with pytest.raises(SubAccountRefused):
        sub_accounts.describe(acting(cast.bob), other, "MÜLLER GMBH", "Max", "max@example.com")
    with pytest.raises(NameRefused):
        sub_accounts.describe(acting(cast.bob), account, "Mül\u200bler", "Max", "max@example.com")


LINKS = (
    "Your invoice http://evil.example",
    "Pay at WWW.evil.example",
    "Pay: ｗｗｗ．evil.example",
    "www。evil.example",
)


@pytest.mark.parametrize("link", [*LINKS, "ftp：／／evil.example", "ww\u200dw.evil.example"])
def test_names_that_go_into_mails_to_customers_carry_no_web_address(create, wish, cast, acting, link):
    for field in ("customer", "contact_name"):
        refusal = refused(create, replace(wish, **{field: link}))
        assert isinstance(refusal, NameRefused) and refusal.field == field and "web address" in refusal.text
    account = create(wish)
    with pytest.raises(NameRefused) as caught:
        sub_accounts.describe(acting(cast.bob), account, account.name, link, account.contact_email)
    assert caught.value.field == "contact_name"
    assert SubAccount.get_by_id(account.id).contact_name == "Marta Müller"


def test_a_company_that_is_called_like_its_web_address_can_be_a_customer(create, wish):
    account = create(replace(wish, customer="booking.com GmbH", contact_name="J. Weber, Awww GmbH"))
    assert account.customer.name == "booking.com GmbH"


def test_only_the_owner_finds_a_sub_account(create, wish, cast, clock):
    account = create(wish)
    found = own_sub_account(cast.northwind, account.number, clock.now())
    assert found.flow_down.reference == "MSA-77" and found.flow_down.version.label == found.flow_down_label
    for partner, number in ((cast.contoso, account.number), (cast.northwind, "000000000000")):
        with pytest.raises(NotFound):
            own_sub_account(partner, number, clock.now())
