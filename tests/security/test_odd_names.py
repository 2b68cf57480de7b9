"""Names that look like others (threats.md 22): what cannot be seen or turns the direction of a text is refused wherever
people enter a name, and a partner that mixes alphabets is pointed out to who decides."""

import pytest

from models.base import database
from services import look_alikes
from tests.security import filling
from tests.security.walking import Snapshot, World, signed_in

UNSEEN = {
    "right-to-left override": "Acme\u202egnp.exe", "isolate": "Ac\u2066me\u2069", "zero width space": "Ac\u200bme",
    "word joiner": "Ac\u2060me", "byte order mark": "\ufeffAcme", "soft hyphen": "Ac\u00adme", "bell": "Ac\x07me",
    "escape": "Ac\x1b[31mme", "tag": "Acme\U000e0041", "private": "Acme\ue000", "line separator": "Ac\u2028me",
}  # fmt: skip
NAMES = ("name", "customer", "contact_name", "legal_name", "person_name", "company")
# Where a name may hold such a sign, and why.
KEPT: dict[tuple[str, str], str] = {}


@pytest.fixture
def world(app, cast, clock):
    return World(cast, app.settings, clock.now())


def stored(text: str) -> set[tuple[str, str]]:
    """Columns that hold it."""
    found = set()
    for table in database.get_tables():
        cursor = database.execute_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - own names
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            found |= {(table, name) for name, value in zip(names, row, strict=True) if text in str(value)}
    return found


@pytest.mark.sqlite_only
@pytest.mark.parametrize("role", ["admin", "owner"])
def test_what_cannot_be_seen_is_in_no_name(app, world, role):
    before, kept, sent = Snapshot(), [], 0
    for form in filling.forms_of(app, world, role):
        for name in [name for name in form.texts if name in NAMES]:
            for what, text in UNSEEN.items():
                before.restore()
                signed_in(app, world, role).post(form.action, data=form.filled(**{name: text}), check=False)
                sent += 1
                kept += [f"{form} {name}: {what} in {place}" for place in stored(text) if place not in KEPT]
    before.restore()
    assert kept == []
    assert sent >= len(UNSEEN)


@pytest.mark.parametrize("name", ["Аcme GmbH", "Сontoso Ltd", "Nоrthwind Traders GmbH", "Αlpha AG"])
def test_a_name_of_mixed_alphabets_is_pointed_out(cast, name):
    cast.northwind.legal_name = name
    cast.northwind.save()
    assert list(look_alikes.warnings(cast.northwind))


@pytest.mark.parametrize(("one", "other"), [("Аcme", "Acme"), ("ACME GmbH", "acme"), ("Strasse", "STRASSE"), ("rnax", "max")])
def test_twins_have_one_skeleton(one, other):
    assert look_alikes.skeleton(one) == look_alikes.skeleton(other)
