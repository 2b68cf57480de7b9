"""Terms for end customers (T2): how each customer agreed, links to agree by, what customers answered, and the questions
that lists ask of these."""

from datetime import datetime

from peewee import JOIN, AutoField, Case, ColumnBase, DateField, ForeignKeyField, TextField, fn

from models.base import JsonField, Table, UtcDateTimeField
from models.partner import Partner
from models.prepared import Blank
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from models.terms import TermsVersion

KIND = "flow_down"
IN_FORCE_STATES = ("published", "superseded")
STATES = ("none", "sent", "declined", "accepted", "attested", "outdated")
# what the list can be filtered by: the states, and "open": everything without an agreement to the version in force
FILTERS = (*STATES, "open")
PAGE_ROWS = 50


class FlowDownLink(Table):
    """A link by which a customer agrees, sent to one address. The token is kept nowhere but in the mail, and there only
    until that is sent; `token_hash` is filled when the mail is written (`mailed_at`). `ended_at` and `outcome` tell how
    it ended before its time; of a sub-account one at most has not ended."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="flow_down_links")
    sub_account_id: int
    token_hash = TextField(null=True, unique=True)
    email = TextField()
    contact_name = TextField()
    locale = TextField()
    cause = TextField(default="asked")
    created_at = UtcDateTimeField()
    created_by = TextField()
    expires_at = UtcDateTimeField()
    mailed_at = UtcDateTimeField(null=True)
    ended_at = UtcDateTimeField(null=True)
    outcome = TextField(default="")


class CustomerAcceptance(Table):
    """The evidence of what a customer answered, with names as they were then; written once, chained by hashes."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="customer_acceptances")
    sub_account_id: int
    link = ForeignKeyField(FlowDownLink, null=True)
    link_id: int | None
    version = ForeignKeyField(TermsVersion)
    version_id: int
    sha256 = TextField()
    outcome = TextField(default="accepted")
    method = TextField()
    sub_account_number = TextField()
    partner_name = TextField()
    customer_name = TextField()
    company = TextField()
    person_name = TextField()
    email = TextField()
    reason = TextField(default="")
    answered_at = UtcDateTimeField()
    ip = TextField()
    user_agent = TextField()
    shown = JsonField()
    request_id = TextField()
    prev_hash = TextField()
    hash = TextField(unique=True)


class FlowDown(Table):
    """How the terms were agreed with the customer of one sub-account: "attested" by the partner, with the reference of
    its contract and perhaps a document, or "accepted" by the customer itself; `acceptance` is the evidence of that, and
    its `method` says where."""

    id = AutoField()
    sub_account = ForeignKeyField(SubAccount, backref="flow_downs")
    sub_account_id: int
    version = ForeignKeyField(TermsVersion)
    version_id: int
    way = TextField()
    reference = TextField()
    agreed_on = DateField()
    attested_by = TextField()
    attested_at = UtcDateTimeField()
    document = ForeignKeyField(StoredFile, null=True)
    document_id: int | None
    acceptance = ForeignKeyField(CustomerAcceptance, null=True)
    acceptance_id: int | None


def newest(column):
    """A column of the record by which the customer of the row agreed last; NULL when there is none."""
    own = FlowDown.select(column).join(TermsVersion).where(FlowDown.sub_account == SubAccount.id)
    return own.order_by(FlowDown.id.desc()).limit(1)


def current_label(at: datetime | Blank):
    """The label of the terms in force: those that were published last, and took effect. A version gives way
    (`superseded`) when a newer one is published, and holds until that one takes effect."""
    version = TermsVersion.alias()
    return (
        version.select(version.label)
        .where(version.kind == KIND, version.state.in_(IN_FORCE_STATES), version.effective_at <= at)
        .order_by(version.effective_at.desc(), version.id.desc())
        .limit(1)
    )


def state(at: datetime | Blank):
    """One of STATES for the row, as a column. A link that waits comes before an older refusal, and the refusal of the
    terms in force before the agreement to older ones."""
    way = newest(FlowDown.way)
    return Case(
        None,
        [
            (agreed_now(at), Case(None, [(way == "attested", "attested")], "accepted")),
            (declined(at), "declined"),
            (agreed_once(), "outdated"),
            (linked(at), "sent"),
        ],
        "none",
    )


def columns(at: datetime | Blank) -> tuple:
    """What lists show of a row: its state, and whether a link waits."""
    return state(at).alias("flow_down"), linked(at).alias("flow_down_linked")


def of_numbers(partner: Partner, numbers: list[str], at: datetime) -> list:
    """Of the partner's sub-accounts with these numbers: number and `columns`."""
    own = (SubAccount.partner == partner) & SubAccount.number.in_(numbers)
    return list(SubAccount.select(SubAccount.number, *columns(at)).where(own).namedtuples())


def agreed_now(at: datetime | Blank) -> ColumnBase:
    """The customer agreed to the terms in force."""
    label = current_label(at)
    known = FlowDown.select(1).join(TermsVersion).where(FlowDown.sub_account == SubAccount.id)
    return fn.EXISTS(known.where(TermsVersion.label == label))


def agreed_once() -> ColumnBase:
    """The customer agreed to some version."""
    return fn.EXISTS(FlowDown.select(1).where(FlowDown.sub_account == SubAccount.id))


def linked(at: datetime | Blank) -> ColumnBase:
    """A link waits for the customer."""
    own = FlowDownLink.select(1).where(FlowDownLink.sub_account == SubAccount.id)
    return fn.EXISTS(own.where(FlowDownLink.ended_at.is_null(), FlowDownLink.expires_at > at))


def declined(at: datetime | Blank) -> ColumnBase:
    """The customer refused the terms in force, and was not sent a link since."""
    later = FlowDownLink.alias()
    # an answer of the console belongs to no link
    after = (later.id > CustomerAcceptance.link) | (
        CustomerAcceptance.link.is_null() & (later.created_at > CustomerAcceptance.answered_at)
    )
    asked_again = later.select(1).where(later.sub_account == SubAccount.id, after, later.ended_at.is_null())
    refusals = (
        CustomerAcceptance.select(1)
        .join(TermsVersion)
        .where(
            CustomerAcceptance.sub_account == SubAccount.id,
            CustomerAcceptance.outcome == "declined",
            TermsVersion.label == current_label(at),
            ~fn.EXISTS(asked_again),
        )
    )
    return fn.EXISTS(refusals)


def filtered(name: str, at: datetime | Blank) -> ColumnBase:
    """The condition of one of FILTERS. "sent" is every sub-account for which a link waits, outdated ones too."""
    if name == "open":
        return ~agreed_now(at)
    if name == "sent":
        return ~agreed_now(at) & linked(at)
    if name in ("accepted", "attested"):
        return agreed_now(at) & (newest(FlowDown.way) == name)
    if name == "outdated":
        return ~agreed_now(at) & agreed_once() & ~declined(at)
    if name == "declined":
        return ~agreed_now(at) & declined(at)
    return ~agreed_once() & ~linked(at) & ~declined(at)


def sendable(at: datetime | Blank, asked_before_at: datetime | Blank) -> ColumnBase:
    """Sub-accounts whose customers are to be sent a link when a partner sends many: they have not agreed to the terms
    in force nor refused them, have a contact, and got no link since `asked_before_at`."""
    lately = FlowDownLink.select(1).where(FlowDownLink.sub_account == SubAccount.id)
    return (
        ~agreed_now(at)
        & ~declined(at)
        & (SubAccount.contact_email != "")
        & (SubAccount.wanted_state != "deleted")
        & SubAccount.delete_after_at.is_null()
        & ~fn.EXISTS(lately.where(FlowDownLink.created_at > asked_before_at))
    )


def earlier(sub_account: SubAccount, most: int = 20) -> list[FlowDown | CustomerAcceptance]:
    """What came before the latest agreement, and every refusal, the newest first."""
    agreed = FlowDown.select(FlowDown, TermsVersion).join(TermsVersion).where(FlowDown.sub_account == sub_account)
    refused = (
        CustomerAcceptance.select(CustomerAcceptance, TermsVersion)
        .join(TermsVersion)
        .where(CustomerAcceptance.sub_account == sub_account, CustomerAcceptance.outcome == "declined")
        .order_by(CustomerAcceptance.id.desc())
        .limit(most)
    )
    found = [*agreed.order_by(FlowDown.id.desc()).offset(1).limit(most), *refused]
    return sorted(found, key=lambda row: row.attested_at if isinstance(row, FlowDown) else row.answered_at)[::-1][:most]


def of_partner(partner: Partner, before: int | None = None) -> list[FlowDown]:
    """How the partner's customers agreed, the latest first, with sub-account, version, document (without content) and
    evidence: PAGE_ROWS and one more, from before the record of that id."""
    own = SubAccount.partner == partner
    if before is not None:
        own &= FlowDown.id < before
    query = (
        FlowDown.select(
            FlowDown, SubAccount, TermsVersion, StoredFile.id, StoredFile.public_id, StoredFile.name, CustomerAcceptance
        )
        .join(SubAccount)
        .switch(FlowDown)
        .join(TermsVersion)
        .switch(FlowDown)
        .join(StoredFile, JOIN.LEFT_OUTER)
        .switch(FlowDown)
        .join(CustomerAcceptance, JOIN.LEFT_OUTER, on=(FlowDown.acceptance == CustomerAcceptance.id))
    )
    return list(query.where(own).order_by(FlowDown.id.desc()).limit(PAGE_ROWS + 1))
