"""Finding a text in names, so that a rare one is found without reading every name and a frequent one without sorting
every hit.

Up to FEW hits are taken from the index over all runs of three letters (migration 0002). When there are more, the list
is walked in its order until a page is full. Both ways stand in one statement, and the number of hits opens one of them.
"""

from collections.abc import Callable

from peewee import JOIN, OP, SQL, Case, Expression, NodeList, Select, fn
from peewee import Table as Named

from models.base import is_sqlite
from models.prepared import Blank
from models.sub_account import Customer, SubAccount

FEW = 2000
SHORTEST_RUN = 3
LONGEST_NUMBER = 12
OF_ACCOUNTS, OF_CUSTOMERS = "sub_account_search", "customer_search"


def ways(text: str) -> tuple[bool, bool]:
    """What of the text changes the statement: whether the index can find it, whether a number can begin with it."""
    return len(text) >= SHORTEST_RUN, text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER


def values(text: str) -> dict[str, str]:
    """What fills the blanks: signs of patterns and of the index's own language are letters like others."""
    escaped = text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
    quoted = text.replace('"', '""')
    return {
        "pattern": f"%{escaped}%",
        "phrase": f'"{quoted}"',
        "lowest": text.ljust(LONGEST_NUMBER, "0"),
        "highest": text.ljust(LONGEST_NUMBER, "9"),
    }


def found(conditions: list, by_index: bool, by_number: bool, in_order: Callable, most: int) -> Select:
    """Ids of the sub-accounts that meet the conditions and have the text in their name or in their customer's name, or
    whose number begins with it. `in_order` puts a query into the order of the list, of which `most` are wanted."""
    walked = SubAccount.select(SubAccount.id).where(*conditions, _holds(by_number))
    if not by_index:
        return walked
    hits = _hits(by_number).limit(FEW + 1).cte("hits", columns=("id",))
    number_of_hits = hits.select(fn.COUNT(hits.c.id))
    # a cross join keeps SQLite from walking the list for the few all the same
    met = SubAccount.select(SubAccount.id).from_(hits.join(SubAccount, JOIN.CROSS))
    few = met.where(SubAccount.id == hits.c.id, *conditions).limit(Case(None, [(number_of_hits <= FEW, FEW + 1)], 0))
    many = in_order(walked).limit(Case(None, [(number_of_hits > FEW, most)], 0))
    either = _ids(few.alias("few")) + _ids(many.alias("many"))
    return SubAccount.select(SubAccount.id).where(SubAccount.id.in_(either)).with_cte(hits)


def _ids(found: Select) -> Select:
    """A limit of its own needs a query of its own before SQLite unites it with another."""
    return Select((found,), (found.c.id,))


def _holds(by_number: bool) -> Expression:
    own = Customer.select(Customer.id).where(Customer.partner == Blank("partner"), _contains(Customer.name_key))
    found = _contains(SubAccount.name_key) | SubAccount.customer.in_(own)
    return found | _begins() if by_number else found


def _hits(by_number: bool):
    """Ids that hold the text, in any order. A name that holds it like its customer's name counts twice."""
    names = SubAccount.select(SubAccount.id)
    if is_sqlite():
        found = _matching(OF_ACCOUNTS) + names.where(SubAccount.customer.in_(_matching(OF_CUSTOMERS)))
    else:
        own = SubAccount.partner == Blank("partner")
        holders = Customer.select(Customer.id).where(Customer.partner == Blank("partner"), _contains(Customer.name_key))
        found = names.where(own, _contains(SubAccount.name_key)) + names.where(own, SubAccount.customer.in_(holders))
    return found + names.where(_begins()) if by_number else found


def _matching(index: str):
    table = Named(index)
    return table.select(table.c.rowid.alias("id")).where(Expression(SQL(index), "MATCH", Blank("phrase")))


def _contains(column) -> Expression:
    return Expression(column, OP.ILIKE, NodeList((Blank("pattern"), SQL("ESCAPE '\\'"))))


def _begins() -> Expression:
    """A range and not a pattern, because any collation orders twelve digits alike."""
    return SubAccount.number.between(Blank("lowest"), Blank("highest"))
