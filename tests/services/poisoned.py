"""Two rows that are due, for each job of the worker that goes through rows (test_poisoned_rows.py)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from models.audit import AuditEvent
from models.closure import Closure, ContractNotice
from models.contract import Contract
from models.evidence import ConsentEvent
from models.flow_down import FlowDownLink
from models.notice import NoticeMail
from models.partner import Partner
from models.sub_account import AccessKey, HandOver, Region, SubAccount
from models.terms import TermsTold, TermsVersion
from models.verification import BarredKey, Measure
from services import (
    access_keys,
    attention_mails,
    barred,
    closing_retrieval,
    confirmation,
    consent_overdue,
    contracts,
    contracts_access,
    contracts_notices,
    document_notices,
    flow_down_keys,
    flow_down_links,
    flow_down_reminders,
    hand_over_links,
    holds,
    key_rotation,
    measures,
    notice_mails,
)
from services.site import House
from tests.applicants import applicant, sub_account
from tests.models import rows
from tests.notices import published

DAY = timedelta(days=1)


class Case(NamedTuple):
    """`make(cast, at)`: two rows that are due, by id. `does`: the function that does one, its last argument (or
    second) says which. `run(act, settings)`: the job. `done(id)`: whether it is."""

    name: str
    make: Callable
    does: tuple[object, str]
    run: Callable
    done: Callable[[int], bool]


def two(cast, at: datetime, **values) -> list[SubAccount]:
    values = {"phase": "ready", "observed_generation": 1, **values}
    return [sub_account(cast.contract, cast.region, at, f"10000000000{place}", **values) for place in (1, 2)]


def ids(found) -> list[int]:
    return [row.id for row in found]


def keys(cast, at: datetime, **values) -> list[int]:
    values = {"created_at": at, **values}
    return ids(rows.make(AccessKey, sub_account=account, **values) for account in two(cast, at))


def links(cast, at: datetime, **values) -> list[int]:
    values = {"email": "kim@customer.example.com", "locale": "en", "cause": "asked", **values}
    return ids(rows.make(FlowDownLink, sub_account=account, **values) for account in two(cast, at))


def hand_overs(cast, at: datetime) -> list[int]:
    found = keys(cast, at, wanted="active", phase="live")
    return ids(rows.make(HandOver, access_key=key, sealed="x", expires_at=at) for key in found)


def suspended(cast, at: datetime) -> list[int]:
    Partner.update(state="suspended").where(Partner.id == cast.northwind.id).execute()
    rows.make(Measure, partner=cast.northwind, kind="suspension", storage=True, ended_at=None)
    return ids(two(cast, at))


def let_go(cast, at: datetime) -> list[int]:
    return ids(two(cast, at, held_at=at))


def waiting_keys(cast, at: datetime) -> list[int]:
    accounts = two(cast, at)
    for account in accounts:
        rows.make(AccessKey, sub_account=account, wanted="active", phase="pending")
    return ids(accounts)


def noticed(cast, at: datetime) -> list[int]:
    published(cast, at, important=True)
    return [cast.alice.id, cast.charlie.id]


def untold(cast, at: datetime) -> list[int]:
    TermsVersion.update(told_at=None).where(TermsVersion.kind == "privacy_notice").execute()
    return [cast.alice.id, cast.charlie.id]


def stuck(cast, at: datetime) -> list[int]:
    other = rows.make(Region, name="elsewhere")
    for region in (cast.region, other):
        sub_account(cast.contract, region, at, f"2000000000{region.id:02d}", phase="attention")
    return [cast.region.id, other.id]


def owing(cast, at: datetime) -> list[int]:
    held = TermsVersion.select().where(TermsVersion.kind == "portal_terms", TermsVersion.language == "en").get()
    values = {**held.__data__, "label": "9.9", "published_at": at, "effective_at": at, "grace_until_at": at}
    del values["id"]
    TermsVersion.create(**{**values, "requires_acceptance": True, "state": "published"})
    return [cast.northwind.id, cast.contoso.id]


def old_keys(cast, at: datetime) -> list[int]:
    return keys(cast, at, wanted="inactive", phase="inactive", inactive_at=at - DAY, delete_after_at=at)


def over(cast, at: datetime) -> list[int]:
    Contract.update(ends_on=date(2026, 3, 1)).execute()
    return [cast.contract.id, cast.other_contract.id]


def ending(cast, at: datetime) -> list[int]:
    Contract.update(ends_on=date(2026, 3, 8)).execute()
    return [cast.contract.id, cast.other_contract.id]


def to_bar(cast, at: datetime) -> list[int]:
    Contract.update(state="expired").execute()
    return ids(two(cast, at))


def to_open(cast, at: datetime) -> list[int]:
    Region.update(hard_quota="immediate").execute()
    rows.make(Closure, partner=cast.northwind, state="retrieval", transition_until_at=at)
    return ids(two(cast, at, wanted_state="suspended", barred_at=at))


def in_retrieval(cast, at: datetime) -> list[int]:
    Region.update(hard_quota="immediate").execute()
    two(cast, at, observed_state="suspended", read_only=True, barred_at=at)
    asked_at, notice_until_at, transition_until_at = at - 50 * DAY, at - 40 * DAY, at - 30 * DAY
    times = {"asked_at": asked_at, "notice_until_at": notice_until_at, "transition_until_at": transition_until_at}
    of_either = ({"contract": cast.contract}, {"contract": None})
    own = {"partner": cast.northwind, "state": "retrieval", "retrieval_until_at": at, **times}
    return ids(rows.make(Closure, **own, **of) for of in of_either)


def to_ask(cast, at: datetime) -> list[int]:
    Partner.update(details_confirmed_at=at - 4000 * DAY).execute()
    return [cast.northwind.id, cast.contoso.id]


def to_remind(cast, at: datetime) -> list[int]:
    Partner.update(details_confirmed_at=at, details_asked_at=at - DAY, details_due_at=at).execute()
    return [cast.northwind.id, cast.contoso.id]


def applied(cast, at: datetime) -> list[int]:
    found = [applicant(at - 2 * DAY, name) for name in ("Aaa", "Bbb")]
    for row in found:
        for kind, hashes in barred.identity(row).items():
            for key_hash in hashes:
                BarredKey.insert(
                    partner=cast.contoso, kind=kind, key_hash=key_hash, created_at=at
                ).on_conflict_ignore().execute()
    return ids(found)


def about(table, field: str) -> Callable[[int], bool]:
    return lambda number: table.select().where(getattr(table, field) == number).exists()


def has(table, field: str, test: Callable = bool) -> Callable[[int], bool]:
    return lambda number: test(getattr(table.get_by_id(number), field))


def house(act) -> House:
    return House(type("Clock", (), {"now": lambda _self: act.at})())


CASES = [
    Case("secret of access key {}", lambda cast, at: keys(cast, at, secret_ct="x", reveal_until_at=at),
         (access_keys, "_destroy"), lambda act, _s: access_keys.destroy_expired(act),
         has(AccessKey, "secret_ct", lambda kept: kept is None)),
    Case("secret of hand-over link {}", hand_overs, (hand_over_links, "_end"),
         lambda act, _s: hand_over_links.end_expired(act), has(HandOver, "sealed", lambda kept: kept is None)),
    Case("suspension of sub-account {}", suspended, (holds, "hold"), lambda act, _s: measures.follow(act),
         has(SubAccount, "held_at")),
    Case("end of the suspension of sub-account {}", let_go, (holds, "release"), lambda act, _s: measures.follow(act),
         has(SubAccount, "held_at", lambda at: at is None)),
    Case("mail of link {}", lambda cast, at: links(cast, at, token_hash=None, created_at=at),
         (flow_down_links, "_write_waiting"), flow_down_links.write_waiting, has(FlowDownLink, "token_hash")),
    Case("waiting keys of sub-account {}", waiting_keys, (flow_down_keys, "_let_go"),
         lambda act, _s: flow_down_keys.let_go_all(act), has(SubAccount, "phase", lambda is_: is_ == "updating")),
    Case("reminder of link {}", lambda cast, at: links(cast, at, created_at=at - 8 * DAY),
         (flow_down_reminders, "_renew"), flow_down_reminders.remind, has(FlowDownLink, "ended_at")),
    Case("mail of notice 1 to member {}", noticed, (notice_mails, "_tell"), notice_mails.send_due,
         about(NoticeMail, "member")),
    Case("mail about privacy_notice 1.0 to member {}", untold, (document_notices, "_tell"), document_notices.tell,
         about(TermsTold, "member")),
    Case("mail about region {}", stuck, (attention_mails, "_tell_of"),
         lambda act, settings: attention_mails.tell(house(act), settings), has(Region, "told_at")),
    Case("mail about overdue terms to partner {}", owing, (consent_overdue, "_tell_partner"), consent_overdue.tell,
         about(ConsentEvent, "partner")),
    Case("deletion of access key {}", old_keys, (key_rotation, "_delete_due"),
         lambda act, _s: key_rotation.delete_due(act), has(AccessKey, "wanted", lambda is_: is_ == "deleted")),
    Case("term of contract {}", over, (contracts, "_move"), contracts.sweep,
         has(Contract, "state", lambda is_: is_ == "expired")),
    Case("notice about contract {}", ending, (contracts_notices, "_tell"), contracts_notices.tell_due,
         about(ContractNotice, "contract")),
    Case("barring of sub-account {}", to_bar, (contracts_access, "_bar"),
         lambda act, _s: contracts_access.follow_contracts(act), has(SubAccount, "barred_at")),
    Case("opening of sub-account {}", to_open, (contracts_access, "open_reading"),
         lambda act, _s: closing_retrieval.open_due(act), has(SubAccount, "read_only")),
    Case("retrieval of closure {}", in_retrieval, (closing_retrieval, "give_more_time"), closing_retrieval.hold_open,
         lambda number: AuditEvent.select().where(
             AuditEvent.action == "closure.moved", AuditEvent.thing_id == str(number)).exists()),
    Case("question about details to partner {}", to_ask, (confirmation, "_ask"), confirmation.ask_due,
         has(Partner, "details_asked_at")),
    Case("mail about details to partner {}", to_remind, (confirmation, "_tell"), confirmation.ask_due,
         has(Partner, "details_told_at")),
    Case("answer to applicant {}", applied, (barred, "_answer"), barred.answer_due,
         has(Partner, "state", lambda is_: is_ == "refused")),
]  # fmt: skip
