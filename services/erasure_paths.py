"""Which rows are whose: found out from the references between the tables, so that no new table is forgotten."""

import functools
import importlib
import operator
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

from peewee import Expression, ForeignKeyField

import models
from models.audit import AuditEvent, AuditPersonal
from models.base import Table
from models.evidence import Evidence, EvidencePersonal
from models.outbox import Mail
from models.partner import Member, Partner
from models.stored_file import StoredFile
from models.sub_account import SubAccount
from services.record_classes import TABLES

Path = tuple[ForeignKeyField, ...]
MOST_ACCOUNTS, FEW_ACCOUNTS = 400, 5  # read at a time
MANY_ROWS = 4000


@functools.cache
def tables() -> dict[str, type[Table]]:
    """Every table by its name."""
    for module in pkgutil.iter_modules(models.__path__):
        if not module.ispkg:
            importlib.import_module(f"models.{module.name}")
    return {table._meta.table_name: table for table in sorted(Table.__subclasses__(), key=lambda one: one.__name__)}


@functools.cache
def path_to(table: type[Table], owner: type[Table]) -> Path | None:
    """The shortest way from a row to its owner, along references that are always filled where there are such; ()
    for the owner itself, None where there is none."""
    found: dict[type[Table], Path] = {table: ()}
    waiting = [table]
    while waiting:
        here = waiting.pop(0)
        if here is owner:
            return found[here]
        references = [field for field in here._meta.sorted_fields if isinstance(field, ForeignKeyField)]
        for field in sorted(references, key=lambda one: one.null):
            if field.rel_model not in found:
                found[field.rel_model] = (*found[here], field)
                waiting.append(field.rel_model)
    return None


def of_partner(table: type[Table], partner_id: int) -> Expression | None:
    """The condition for the partner's rows; None when the table has no row of any partner."""
    return OTHERWISE[table](partner_id) if table in OTHERWISE else _owned(table, Partner, partner_id)


def is_owned(table: type[Table]) -> bool:
    """Whether the table can hold rows of a partner."""
    return table in OTHERWISE or path_to(table, Partner) is not None


def _personal_parts(partner_id: int) -> Expression:
    """Of what was chained for the partner. A row that says that one was erased has none itself."""
    chained = Evidence.select(Evidence.number).where(Evidence.partner == partner_id, Evidence.kind != "erased")
    return EvidencePersonal.number.in_(chained)


def _parts_of_the_trail(partner_id: int) -> Expression:
    return AuditPersonal.number.in_(AuditEvent.select(AuditEvent.number).where(AuditEvent.partner == partner_id))


# tables whose rows refer to no partner by a key, and are one's nevertheless
OTHERWISE: dict[type[Table], Callable[[int], Expression]] = {
    AuditPersonal: _parts_of_the_trail,
    EvidencePersonal: _personal_parts,
}


def of_member(table: type[Table], member_id: int) -> Expression | None:
    """The condition for rows that refer to the member; None where none can."""
    found = references(table, Member)
    return functools.reduce(operator.or_, [field == member_id for field in found]) if found else None


def is_members_own(table: type[Table]) -> bool:
    """Whether its rows belong to the partner only through a member: sessions, links, what a member has read."""
    path = path_to(table, Partner) or ()
    return bool(path) and path[0].rel_model is Member


def _owned(table: type[Table], owner: type[Table], owner_id: int) -> Expression | None:
    path = path_to(table, owner)
    if path is None:
        return None
    if not path:
        own: Any = owner._meta.primary_key
        return own == owner_id
    condition: Any = path[-1] == owner_id
    for field in reversed(path[:-1]):
        inner = field.rel_model
        condition = field.in_(inner.select(inner._meta.primary_key).where(condition))
    return condition


def account_column(table: type[Table]) -> ForeignKeyField | None:
    """The column by which each row belongs to a sub-account; None where rows belong to a partner otherwise. Such tables
    are long (use by the day): they are read sub-account by sub-account, so that nobody looks at the rows of others."""
    path = () if table in OTHERWISE else path_to(table, Partner) or ()
    return path[0] if path and path[0].rel_model is SubAccount and not path[0].null else None


def accounts_after(column: ForeignKeyField, partner_id: int, last_id: int) -> list[int]:
    """The next sub-accounts of the partner, by number: many where the table of `column` has few rows of them, few where
    it has a row for each day."""
    query: Any = SubAccount.select(SubAccount.id).where(SubAccount.partner == partner_id, SubAccount.id > last_id)
    accounts = [number for (number,) in query.order_by(SubAccount.id).limit(MOST_ACCOUNTS).tuples()]
    own: Any = column.model.select(column).where(column.in_(accounts)).limit(MANY_ROWS)
    return accounts[:FEW_ACCOUNTS] if accounts and own.count() == MANY_ROWS else accounts


def references(table: type[Table], to: type[Table]) -> list[ForeignKeyField]:
    return [
        field for field in table._meta.sorted_fields if isinstance(field, ForeignKeyField) and field.rel_model is to
    ]


@functools.cache
def in_order() -> tuple[type[Table], ...]:
    """The tables that hold rows of partners, each before those that it refers to."""
    own = [
        table
        for name, table in tables().items()
        if is_owned(table) and (name not in TABLES or TABLES[name].fate != "none")
    ]
    ordered: list[type[Table]] = []
    while own:
        free = [one for one in own if not any(_refers(other, one) for other in own if other is not one)]
        if not free:
            raise RuntimeError(f"these tables refer to each other in a circle: {own}")
        ordered += free
        own = [one for one in own if one not in free]
    return tuple(ordered)


def _refers(table: type[Table], to: type[Table]) -> bool:
    """The people wait until texts were searched for their names, which is done after the mails."""
    return bool(references(table, to)) or (table is Mail and to is Member)


def file_columns() -> Iterator[tuple[type[Table], ForeignKeyField]]:
    """Every column that refers to a file that was handed in."""
    for table in tables().values():
        for field in references(table, StoredFile):
            yield table, field


def file_ids(partner_id: int) -> list[int]:
    """The files that rows of the partner refer to."""
    ids: set[int] = set()
    for table, column in file_columns():
        condition = of_partner(table, partner_id)
        if condition is not None:
            found: Any = table.select(column).where(condition, column.is_null(False)).tuples()
            ids |= {number for (number,) in found}
    return sorted(ids)
