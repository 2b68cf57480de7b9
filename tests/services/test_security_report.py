"""A report of a security problem and what it stops: all of it, or nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from models.audit import AuditEvent
from models.base import database
from models.incident import Incident, IncidentNote
from models.outbox import Mail
from models.session import OneTimeLink, Session
from models.sub_account import AccessKey
from services import containment, incident_mails, key_rotation, links, log_in, passwords, security_report, sessions
from services.attempts import TooManyAttempts
from services.refusal import NotFound
from services.security_report import Report, ReportRefused
from tests.accounts import opened

PLAIN = Report("access", "Somebody was in my account last night.")


def keyed(cast, settings, clock, name, partner="northwind", number=1):
    contract = cast.contract if partner == "northwind" else cast.other_contract
    account = (
        opened(cast, settings, clock.now(), name, contract=contract)
        if partner != "northwind"
        else opened(cast, settings, clock.now(), name)
    )
    return AccessKey.get(AccessKey.sub_account == account)


@pytest.fixture
def key(cast, settings, clock):
    account = opened(cast, settings, clock.now(), "Anna Apotheke")
    return AccessKey.get(AccessKey.sub_account == account)


@pytest.fixture
def log_ins(cast, acting, settings):
    for person in (cast.alice, cast.alice, cast.bob, cast.vera, cast.charlie):
        sessions.begin(acting(person), person, settings)


def live(person) -> int:
    return Session.select().where(sessions.of_person(person), Session.ended_at.is_null()).count()


def everything(key) -> Report:
    return replace(
        PLAIN, numbers=(key.sub_account.number,), key_ids=(key.id,), at_once=("sessions_company", "passwords_company")
    )


def test_one_report_stops_log_ins_passwords_and_keys_of_the_company_and_of_nobody_else(
    db, cast, acting, settings, key, log_ins
):
    incident = security_report.send(acting(cast.alice), settings, cast.alice, everything(key), "once")
    assert [live(person) for person in (cast.alice, cast.bob, cast.vera, cast.charlie)] == [0, 0, 0, 1]
    key = AccessKey.get_by_id(key.id)
    assert (key.wanted, key.delete_after_at) == ("inactive", None)
    members = {row.name: row.password_due_at for row in type(cast.alice).select()}
    assert [name for name, due in members.items() if due is None] == ["Charlie Chase"]
    assert [line["what"] for line in incident.contained] == ["keys", "sessions_company", "passwords_company"]
    kinds = [note.kind for note in IncidentNote.select().order_by(IncidentNote.id)]
    assert kinds == ["reported", "contained", "contained", "contained"]
    assert AuditEvent.select().where(AuditEvent.action == "incident.reported").count() == 1
    assert {mail.template for mail in Mail.select()} == {"incident_received", "incident_new"}


@pytest.mark.parametrize("place", ["passwords", "mails", "trail"])
def test_a_fault_in_the_middle_leaves_nothing_half(db, cast, acting, settings, key, log_ins, monkeypatch, place):
    class Fault(Exception):
        pass

    def fail(*_given, **_more):
        raise Fault

    where, name = {
        "passwords": (containment, "ask_new_passwords"),
        "mails": (incident_mails, "tell_of_report"),
        "trail": (security_report, "record"),
    }[place]
    monkeypatch.setattr(where, name, fail)
    before = AuditEvent.select().count()
    with pytest.raises(Fault):
        security_report.send(acting(cast.alice), settings, cast.alice, everything(key), "once")
    assert [live(person) for person in (cast.alice, cast.bob, cast.vera)] == [2, 1, 1]
    assert AccessKey.get_by_id(key.id).wanted == "active"
    assert (Incident.select().count(), IncidentNote.select().count(), Mail.select().count()) == (0, 0, 0)
    assert AuditEvent.select().count() == before


def test_fifty_reports_at_once_are_fifty_reports_and_no_lock_is_waited_for_in_a_circle(
    db, cast, acting, settings, key, log_ins
):
    def send(number: int) -> str:
        with database.connection_context():
            who = (cast.alice, cast.bob, cast.vera, None, None)[number % 5]
            report = everything(key) if who is cast.alice else replace(PLAIN, text=f"report {number}")
            if who is cast.bob:
                report = replace(report, key_ids=(key.id,), at_once=("sessions_own",))
            act = acting(who, kind="visitor", ip=f"192.0.2.{number}") if who is None else acting(who)
            return security_report.send(act, settings, who, report, f"once-{number}").number

    with ThreadPoolExecutor(16) as threads:
        numbers = list(threads.map(send, range(50)))
    assert len(set(numbers)) == 50 and Incident.select().count() == 50
    assert AccessKey.get_by_id(key.id).wanted == "inactive"
    assert [live(person) for person in (cast.alice, cast.bob, cast.vera)] == [0, 0, 0]


def test_the_same_form_twice_is_one_report(db, cast, acting, settings, log_ins):
    report = replace(PLAIN, at_once=("sessions_own",))
    first = security_report.send(acting(cast.bob), settings, cast.bob, report, "once")
    again = security_report.send(acting(cast.bob), settings, cast.bob, report, "once")
    assert first.number == again.number and Incident.select().count() == 1


def test_own_choices_reach_nobody_else(db, cast, acting, settings, log_ins):
    report = replace(PLAIN, at_once=("sessions_own", "passwords_own"))
    security_report.send(acting(cast.vera), settings, cast.vera, report, "once")
    assert [live(person) for person in (cast.alice, cast.bob, cast.vera)] == [2, 1, 0]
    due = [row.name for row in type(cast.vera).select() if row.password_due_at]
    assert due == ["Vera Vogt"]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("bob", {"at_once": ("sessions_company",)}),
        ("vera", {"at_once": ("passwords_company",)}),
        ("olga", {"at_once": ("sessions_company",)}),
        ("vera", {"key_ids": (1,)}),
        ("charlie", {"key_ids": (1,)}),
        ("alice", {"key_ids": (999,)}),
        ("alice", {"numbers": ("999999999999",)}),
        ("charlie", {"numbers": ("own",)}),
        ("alice", {"at_once": ("everything",)}),
    ],
)
def test_nobody_stops_more_than_they_may(db, cast, acting, settings, key, log_ins, name, more):
    person = getattr(cast, name)
    if more.get("key_ids") == (1,):
        more = {"key_ids": (key.id,)}
    if more.get("numbers") == ("own",):
        more = {"numbers": (key.sub_account.number,)}
    with pytest.raises(NotFound):
        security_report.send(acting(person), settings, person, replace(PLAIN, **more), "once")
    assert AccessKey.get_by_id(key.id).wanted == "active" and live(cast.alice) == 2
    assert Incident.select().count() == 0


def test_a_stranger_chooses_nothing(db, cast, acting, settings, key):
    for more in ({"at_once": ("sessions_own",)}, {"key_ids": (key.id,)}, {"numbers": (key.sub_account.number,)}):
        with pytest.raises(NotFound):
            security_report.send(acting(None, kind="visitor"), settings, None, replace(PLAIN, **more), "once")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "mood"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"text": " "}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"contact": "x" * 201}, "contact"),
        ({"contact": "a\nb"}, "contact"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(db, acting, settings, change, field):
    with pytest.raises(ReportRefused) as refused:
        security_report.send(acting(None), settings, None, replace(PLAIN, **change), "once")
    assert refused.value.field == field


def test_a_flood_from_one_network_ends_and_turns_no_other_and_nobody_signed_in_away(db, cast, acting, settings):
    def unsigned(number, ip):
        report = replace(PLAIN, text=f"flood {number}")
        return security_report.send(acting(None, kind="visitor", ip=ip), settings, None, report, f"f{ip}{number}")

    for number in range(20):
        unsigned(number, "192.0.2.9")
    with pytest.raises(TooManyAttempts):
        unsigned(20, "192.0.2.9")
    assert unsigned(0, "198.51.100.9").number
    assert security_report.send(acting(cast.alice), settings, cast.alice, PLAIN, "hers").number
    told = Mail.select().where(Mail.template == "incident_new", Mail.recipient == settings.provider.security_address)
    assert told.count() == incident_mails.MOST_TOLD + 1


def test_a_stranger_gets_a_receipt_without_a_word_of_the_report(db, acting, settings):
    report = Report("weakness", "Buy cheap watches", contact="Eve@example.com")
    incident = security_report.send(acting(None, kind="visitor"), settings, None, report, "once")
    mail = Mail.get(Mail.template == "incident_received")
    assert mail.recipient == "Eve@example.com" and incident.number in mail.subject
    assert "watches" not in mail.text + mail.html
    for number in range(5):
        more = replace(report, text=str(number))
        security_report.send(acting(None, kind="visitor"), settings, None, more, f"more-{number}")
    assert Mail.select().where(Mail.template == "incident_received").count() == 3


def test_a_phone_number_as_contact_is_no_address(db, acting, settings):
    report = replace(PLAIN, contact="+49 30 1234567")
    assert security_report.send(acting(None, kind="visitor"), settings, None, report, "once").contact == report.contact
    assert Mail.select().where(Mail.template == "incident_received").count() == 0


def test_a_password_that_is_due_opens_nothing_until_another_one_is_chosen(db, cast, acting, settings):
    report = replace(PLAIN, at_once=("passwords_own",))
    security_report.send(acting(cast.bob), settings, cast.bob, report, "once")
    with pytest.raises(log_in.PasswordDue):
        log_in.check(acting(None), settings, cast.bob.email, cast.password)
    with pytest.raises(log_in.LogInRefused):
        log_in.check(acting(None), settings, cast.bob.email, "a wrong password")
    bob = type(cast.bob).get_by_id(cast.bob.id)
    token = links.issue(acting(None), "reset_password", bob)
    with pytest.raises(passwords.PasswordRefused):
        log_in.choose_password(acting(None), settings, "reset_password", token, cast.password)
    assert OneTimeLink.get().used_at is None
    log_in.choose_password(acting(None), settings, "reset_password", token, "wandering otters hum quietly")
    assert log_in.check(acting(None), settings, cast.bob.email, "wandering otters hum quietly").id == bob.id


def test_the_last_key_that_was_stopped_can_be_replaced_and_is_not_deleted_by_itself(
    db, cast, acting, settings, clock, key
):
    report = replace(PLAIN, key_ids=(key.id,))
    security_report.send(acting(cast.bob), settings, cast.bob, report, "once")
    AccessKey.update(phase="inactive").where(AccessKey.id == key.id).execute()
    clock.advance(days=100)
    assert key_rotation.delete_due(acting(None)) == 0
    number = key.sub_account.number
    made = key_rotation.replace(acting(cast.bob, session_hash="s"), cast.northwind, number, key.id, "replace-once")
    assert (made.phase, made.wanted) == ("pending", "active")


def test_own_reports_are_those_of_the_person_and_all_of_the_company_for_an_administrator(db, cast, acting, settings):
    for person in (cast.alice, cast.bob, cast.charlie, cast.olga):
        security_report.send(acting(person), settings, person, replace(PLAIN, text=person.name), person.name)
    seen = {name: [row.text for row in security_report.own(getattr(cast, name))] for name in ("alice", "bob", "olga")}
    assert seen == {"alice": ["Bob Brandt", "Alice Adler"], "bob": ["Bob Brandt"], "olga": ["Olga Olsen"]}
