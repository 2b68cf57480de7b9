"""Reports of security problems, and what was done about them (T11)."""

from peewee import AutoField, ForeignKeyField, IntegerField, TextField

from models.base import JsonField, Table, UtcDateTimeField
from models.notice import Notice
from models.operator import Operator
from models.partner import Member, Partner

INCIDENT_KINDS = ("access", "password", "key", "mail", "data", "weakness", "other")
INCIDENT_STATES = ("new", "seen", "contained", "closed")
SEVERITIES = ("low", "medium", "high", "critical")


class Incident(Table):
    """One report. Without `member` and `operator` nobody was signed in. `things`: the sub-accounts and keys that it
    names, as [{"number": …, "key": …}]; `contained`: what was done in the same transaction, by name; `version` counts
    changes by operators."""

    id = AutoField()
    number = TextField(unique=True)
    kind = TextField()
    text = TextField()
    contact = TextField(default="")
    partner = ForeignKeyField(Partner, null=True, backref="incidents")
    partner_id: int | None
    member = ForeignKeyField(Member, null=True)
    member_id: int | None
    operator = ForeignKeyField(Operator, null=True)
    operator_id: int | None
    reporter_name = TextField(default="")
    ip = TextField(default="")
    user_agent = TextField(default="")
    things = JsonField(default=list)
    contained = JsonField(default=list)
    reported_at = UtcDateTimeField()
    state = TextField(default="new")
    severity = TextField(default="")
    closed_at = UtcDateTimeField(null=True)
    version = IntegerField(default=1)


class IncidentNote(Table):
    """A line of an incident's history. Kinds: reported, contained, state, severity, note, affected, told. `made_by` is
    kind and number of who did it, as "operator:1"."""

    id = AutoField()
    incident = ForeignKeyField(Incident, backref="notes")
    incident_id: int
    at = UtcDateTimeField()
    kind = TextField()
    text = TextField()
    made_by = TextField(default="")
    made_name = TextField(default="")


class IncidentPartner(Table):
    """A partner that an incident affects, and the notice by which it was told."""

    id = AutoField()
    incident = ForeignKeyField(Incident, backref="affected")
    incident_id: int
    partner = ForeignKeyField(Partner, backref="affected_by")
    partner_id: int
    named_at = UtcDateTimeField()
    told_at = UtcDateTimeField(null=True)
    notice = ForeignKeyField(Notice, null=True)
    notice_id: int | None
