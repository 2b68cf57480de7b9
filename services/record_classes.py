"""To which class each column of each table belongs, and with it how long it is kept (design of retention: docs/
retention.md). services/record_classes_tables.py says it table by table; a test holds the database to it."""

from dataclasses import dataclass, field
from datetime import date

from services.record_classes_tables import TABLES, Classed

__all__ = ["CLASSES", "TABLES", "Classed", "Rule", "class_of", "delete_after"]


@dataclass(frozen=True)
class Rule:
    """`years`: kept so long from the end of the calendar year; 0: nothing outlives the erasure. `basis`: which law or
    interest says so; `meaning`: what happens to it."""

    meaning: str
    basis: str
    years: int = 0
    archived: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "archived", self.years > 0)


CLASSES: dict[str, Rule] = {
    "operational": Rule("in use while the account lives, erased with it", "Art. 6(1)(b) GDPR"),
    "commercial_letter": Rule(
        "archived for 6 years from the end of the year", "HGB § 257(1) no. 2, 3; AO § 147(1) no. 2, 3", 6
    ),
    "voucher": Rule(
        "archived for 8 years from the end of the year", "HGB § 257(1) no. 4; AO § 147(1) no. 4; UStG § 14b", 8
    ),
    "evidence": Rule(
        "archived for 6 years from the end of the year in which the relationship ended",
        "Art. 6(1)(f), 17(3)(e) GDPR; BGB §§ 195, 199; HGB § 257",
        6,
    ),
    "security_log": Rule("12 months, then without the person; erased with the account", "Art. 6(1)(f), 32 GDPR"),
    "person": Rule("erased with the person or the account, else as it was entered", "Art. 5(1)(e), 17 GDPR"),
    "secret": Rule("erased at once when it has served", "Art. 32 GDPR"),
    "statistic": Rule("names nobody, kept", "recital 26 GDPR"),
}


def class_of(table: str, column: str) -> str:
    """The one class of a column. Raises KeyError with a sentence that says where it is to be put."""
    classed = TABLES.get(table)
    if classed is None:
        raise KeyError(
            f"the table {table} has no record class: add it to TABLES in services/record_classes_tables.py"
            " with the class of its rows, and name there its columns that tell of persons or hold secrets"
        )
    return classed.columns.get(column, classed.record_class)


def delete_after(record_class: str, since_on: date) -> date:
    """The last day on which a record of this class is kept: the periods begin at the end of the calendar year in which
    it arose (HGB § 257(5), AO § 147(4))."""
    return date(since_on.year + CLASSES[record_class].years, 12, 31)
