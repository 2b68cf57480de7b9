"""Partners, their members, and what an operator asked about their details."""

from peewee import AutoField, BooleanField, DateField, ForeignKeyField, TextField

from models.base import JsonField, Table, UtcDateTimeField

PARTNER_KINDS = ("channel_partner", "distributor", "distributor_partner")
PARTNER_STATES = (
    "draft",
    "applied",
    "query",
    "active",
    "suspended",
    "closing",
    "closed",
    "refused",
    "barred",
)


class Partner(Table):
    """`suspension_level`: how much of the portal a suspension leaves (levels of services/standing.py).

    `details_asked_at`: since when the partner is asked whether its details are still right, `details_due_at` until when
    it has time, `details_told_at` when it was told that this is over; all empty once somebody has confirmed them.
    """

    id = AutoField()
    public_id = TextField(unique=True)
    kind = TextField(default="channel_partner")
    state = TextField(default="draft")
    parent = ForeignKeyField("self", null=True, column_name="parent_id")
    parent_id: int | None
    legal_name = TextField()
    name_key = TextField()
    register_number = TextField(default="")
    vat_id = TextField(default="")
    country = TextField()
    street = TextField()
    postcode = TextField()
    city = TextField()
    phone = TextField()
    created_at = UtcDateTimeField()
    applied_at = UtcDateTimeField(null=True)
    decided_at = UtcDateTimeField(null=True)
    decision_note = TextField(default="")
    suspension_level = TextField(default="")
    details_confirmed_at = UtcDateTimeField(null=True)
    details_asked_at = UtcDateTimeField(null=True)
    details_due_at = UtcDateTimeField(null=True)
    details_told_at = UtcDateTimeField(null=True)
    second_factor_required = BooleanField(default=False)

    @property
    def open_queries(self):
        return DetailQuery.select().where(DetailQuery.partner == self, DetailQuery.answered_at.is_null())


class Member(Table):
    """A person of a partner. Role: admin, staff, viewer. Relation: employee, contractor, agent. `wanted_email` becomes
    the mail address when the link that was sent there is opened. Whoever was removed stays as a row, inactive, for the
    trail and the evidence; the address is free for others from then on (`email_key`)."""

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="members")
    partner_id: int
    name = TextField()
    email = TextField()
    email_key = TextField(unique=True)
    wanted_email = TextField(default="")
    phone = TextField(default="")
    job_title = TextField(default="")
    role = TextField(default="admin")
    relation = TextField(default="employee")
    declared_authority = BooleanField(default=False)
    password_hash = TextField()
    locale = TextField(default="en")
    time_zone = TextField(default="UTC")
    active = BooleanField(default=True)
    access_until_on = DateField(null=True)
    removed_at = UtcDateTimeField(null=True)
    email_confirmed_at = UtcDateTimeField(null=True)
    password_due_at = UtcDateTimeField(null=True)  # since then a new password has to be chosen
    created_at = UtcDateTimeField()


class DetailQuery(Table):
    """An operator's question about one detail of an application, and the partner's answer (T9)."""

    id = AutoField()
    partner = ForeignKeyField(Partner, backref="queries")
    partner_id: int
    field = TextField()
    note = TextField()
    asked_by = TextField()
    asked_at = UtcDateTimeField()
    value_before = TextField(default="")
    value_after = TextField(default="")
    answer = TextField(default="")
    answered_by = TextField(default="")
    answered_at = UtcDateTimeField(null=True)


class SignUpDraft(Table):
    """An unfinished sign-up, found again by a token that only the applicant's device holds."""

    id = AutoField()
    token_hash = TextField(unique=True)
    details = JsonField()
    password_hash = TextField(default="")
    created_at = UtcDateTimeField()
    changed_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
