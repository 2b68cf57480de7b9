"""What this installation is called where others may be beside it."""

from peewee import IntegerField, TextField

from models.base import Table


class Installation(Table):
    """One row. `code`: six lower-case letters and digits, made once and never changed: names of accounts on storage
    services hold it, so that two portals on one service know each other's accounts from their own."""

    id = IntegerField(primary_key=True, default=1)
    code = TextField()
