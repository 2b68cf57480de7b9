"""Agreements, price lists and other papers that the provider lays into a partner's file."""

from peewee import AutoField, ForeignKeyField, TextField

from models.base import Table, UtcDateTimeField
from models.partner import Partner
from models.stored_file import StoredFile

DOCUMENT_KINDS = ("agreement", "price_list", "other")


class PartnerDocument(Table):
    """`readers` is the least role that sees it: admin alone, staff too, or everybody (viewer)."""

    id = AutoField()
    public_id = TextField(unique=True)
    partner = ForeignKeyField(Partner, backref="documents")
    partner_id: int
    file = ForeignKeyField(StoredFile)
    file_id: int
    kind = TextField()
    title = TextField()
    readers = TextField()
    created_at = UtcDateTimeField()
    created_by = TextField()
    withdrawn_at = UtcDateTimeField(null=True)
    withdrawn_by = TextField(default="")
