"""The operators' desk of security reports."""

import pytest

from models.audit import AuditEvent
from models.incident import Incident, IncidentPartner
from models.notice import Notice, NoticePartner
from models.session import Session
from models.sub_account import AccessKey
from services import incident_desk, notice_mails, security_report, sessions
from services.incident_desk import IncidentRefused, IncidentStale
from services.notice_drafts import NoticeRefused
from services.refusal import NotFound
from services.security_report import Report
from tests.accounts import opened

TEXTS = {"en": "Keys were read", "de": "Schlüssel wurden gelesen"}


@pytest.fixture
def incident(db, cast, acting, settings):
    return security_report.send(acting(cast.alice), settings, cast.alice, Report("key", "A key leaked."), "once")


def change(acting, cast, incident, seen=1, once="c1", **wanted):
    values = {"state": "seen", "severity": "high", "note": "Called Alice.", **wanted}
    return incident_desk.change(acting(cast.oscar), incident.number, seen, once_key=once, **values)


def history(incident) -> list[tuple[str, str, str]]:
    return [(note.kind, note.text, note.made_name) for note in incident_desk.notes(incident)]


def test_every_act_leaves_a_line_in_the_history_and_in_the_trail(acting, cast, incident):
    change(acting, cast, incident)
    assert history(incident)[1:] == [
        ("state", "seen", "Oscar Otto"),
        ("severity", "high", "Oscar Otto"),
        ("note", "Called Alice.", "Oscar Otto"),
    ]
    events = list(AuditEvent.select().where(AuditEvent.thing_kind == "incident").order_by(AuditEvent.id))
    assert [event.action for event in events] == ["incident.reported", "incident.changed", "incident.noted"]
    assert events[1].after == {"state": "seen", "severity": "high"}
    assert all("Called" not in str(event.after) for event in events)


def test_a_colleagues_change_is_not_written_over(acting, cast, incident):
    change(acting, cast, incident)
    with pytest.raises(IncidentStale):
        change(acting, cast, incident, seen=1, once="c2", state="closed")
    assert Incident.get_by_id(incident.id).state == "seen"


def test_the_same_form_twice_changes_once(acting, cast, incident):
    change(acting, cast, incident)
    change(acting, cast, incident)
    assert len(history(incident)) == 4


def test_a_closed_report_leaves_the_queue_and_can_be_opened_again(acting, cast, incident, clock):
    assert [row.number for row in incident_desk.waiting()] == [incident.number]
    change(acting, cast, incident, state="closed")
    assert incident_desk.waiting() == [] and Incident.get_by_id(incident.id).closed_at == clock.now()
    change(acting, cast, incident, seen=2, once="c2", state="seen")
    assert Incident.get_by_id(incident.id).closed_at is None


@pytest.mark.parametrize("wanted", [{"state": "lost"}, {"severity": "awful"}, {"note": "x" * 5001}])
def test_what_is_no_choice_is_refused(acting, cast, incident, wanted):
    with pytest.raises(IncidentRefused) as refused:
        change(acting, cast, incident, **wanted)
    assert refused.value.field == next(iter(wanted))


def test_the_affected_are_told_by_a_notice_that_goes_out_by_mail(acting, cast, incident, settings):
    number = incident.number
    incident_desk.name_affected(acting(cast.oscar), number, [cast.contoso.id, cast.contoso.id, 99])
    texts = (TEXTS, {"en": "Replace them.", "de": "Ersetzen Sie sie."})
    notice = incident_desk.tell(acting(cast.olga), settings, number, *texts, everybody=False, once_key="t1")
    again = incident_desk.tell(acting(cast.olga), settings, number, *texts, everybody=False, once_key="t1")
    assert (notice.id, Notice.select().count()) == (again.id, 1)
    assert {row.partner_id for row in NoticePartner.select()} == {cast.northwind.id, cast.contoso.id}
    assert all(row.told_at and row.notice_id == notice.id for row in IncidentPartner.select())
    while notice_mails.send_due(acting(None), settings):
        continue
    told = AuditEvent.select().where(AuditEvent.action == "incident.told")
    assert {row.partner_id for row in told} == {cast.northwind.id, cast.contoso.id}


def test_all_partners_can_be_told_and_nobody_named_is_said(acting, cast, settings, db):
    incident = security_report.send(acting(None), settings, None, Report("data", "x"), "once")
    texts = (TEXTS, TEXTS)
    with pytest.raises(IncidentRefused):
        incident_desk.tell(acting(cast.olga), settings, incident.number, *texts, everybody=False, once_key="t1")
    notice = incident_desk.tell(acting(cast.olga), settings, incident.number, *texts, everybody=True, once_key="t2")
    assert not notice.chosen and history(incident)[-1][:2] == ("told", "*")


def test_a_text_that_is_missing_in_a_language_tells_nobody(acting, cast, incident, settings):
    with pytest.raises(NoticeRefused):
        incident_desk.tell(
            acting(cast.olga),
            settings,
            incident.number,
            {"en": "Title", "de": ""},
            TEXTS,
            everybody=False,
            once_key="t",
        )
    assert Notice.select().count() == 0 and incident_desk.notes(incident)[-1].kind == "reported"


def test_staff_stop_log_ins_passwords_and_keys_of_an_affected_partner_and_of_no_other(
    acting, cast, incident, settings, clock
):
    opened(cast, settings, clock.now(), "Anna Apotheke")
    other = opened(cast, settings, clock.now(), "Carl Cafe", who=cast.charlie)
    for person in (cast.alice, cast.bob, cast.charlie):
        sessions.begin(acting(person), person, settings)
    stops = incident_desk.STOPS
    with pytest.raises(NotFound):
        incident_desk.contain(acting(cast.olga), settings, incident.number, cast.contoso.id, stops)
    with pytest.raises(NotFound):
        incident_desk.contain(acting(cast.olga), settings, incident.number, 999, stops)
    with pytest.raises(IncidentRefused):
        incident_desk.contain(acting(cast.olga), settings, incident.number, cast.northwind.id, ())
    done = incident_desk.contain(acting(cast.olga), settings, incident.number, cast.northwind.id, stops)
    assert {line["what"]: line["count"] for line in done} == {"keys": 1, "passwords": 3}
    assert [row.member_id for row in Session.select().where(Session.ended_at.is_null())] == [cast.charlie.id]
    assert AccessKey.get(AccessKey.sub_account == other).wanted == "active"
    assert AuditEvent.get(AuditEvent.action == "incident.contained").partner_id == cast.northwind.id
    assert [line[0] for line in history(incident)][-2:] == ["contained", "contained"]


def test_the_file_holds_everything(acting, cast, incident):
    change(acting, cast, incident)
    row = incident_desk.as_plain(Incident.get_by_id(incident.id))
    assert (row["number"], row["text"], row["company"]) == (incident.number, "A key leaked.", "Northwind Traders GmbH")
    assert [one["company"] for one in row["affected"]] == ["Northwind Traders GmbH"]
    assert [line["kind"] for line in row["history"]] == ["reported", "state", "severity", "note"]
