"""The list: what the address asks for, the addresses of its neighbours, and its rows as a file."""

import functools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from gettext import NullTranslations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms.fields import SearchField, SelectField
from wtforms.fields.choices import SelectChoice

from blueprints.formats import reader
from blueprints.sub_accounts.states import FLOW_DOWN, key_state, settled
from models.flow_down import STATES as STATES_OF_TERMS
from models.lists import STATES, Asked, Page
from services import names
from services.refusal import N_

SHORTEST_SEARCH = 2
LONGEST_SEARCH = 120
NUMBER = re.compile("[0-9]{12}")
FILTERS = ("q", "state", "fill", "terms", "region", "sort")
KEY_STATES = {"key-waiting": "waiting", "key-first": "first", "key-old": "old"}
COLUMNS = (
    "number", "name", "customer", "region", "state", "settled", "billing", "allocated_bytes", "in_force_bytes",
    "used_bytes", "measured_at", "excess_allowed", "flow_down", "created_at",
)  # fmt: skip
PRIVATE_COLUMNS = ("contact_name", "contact_email", "first_key")
ALL = "", N_("All")
STATE_CHOICES = (
    ALL,
    ("active", N_("Active")),
    ("setting-up", N_("Being set up")),
    ("changing", N_("Change not yet in force")),
    ("paused", N_("Paused")),
    ("attention", N_("Problem")),
    ("key-waiting", N_("First key not shown yet")),
    ("key-first", N_("First key still in use")),
    ("key-old", N_("Key due for replacement")),
    ("deleted", N_("Deleted")),
)
FILL_CHOICES = (ALL, ("near", N_("85 % or more")), ("full", N_("Full")))
TERMS_CHOICES = (
    ALL,
    ("open", N_("Not agreed to the present version")),
    *((name, FLOW_DOWN[name][0]) for name in STATES_OF_TERMS),
)
SORT_CHOICES = (
    ("name", N_("Name")),
    ("used", N_("Most used")),
    ("allocated", N_("Largest allocation")),
    ("newest", N_("Newest")),
)


class FilterForm(FlaskForm):
    class Meta:
        csrf = False

    q = SearchField(_l("Search name, customer or number"))
    state = SelectField(_l("State"), choices=())
    fill = SelectField(_l("Use"), choices=())
    terms = SelectField(_l("Terms"), choices=())
    region = SelectField(_l("Region"), choices=())
    sort = SelectField(_l("Sort by"), choices=())

    def offer(self, regions: Mapping[str, str], *, keys: bool) -> "FilterForm":
        """Fills the choices; who may not see keys is not offered to filter by them."""
        words = reader().translations
        offer = [choice for choice in STATE_CHOICES if keys or choice[0] not in KEY_STATES]
        self.state.choices = offered(words, tuple(offer))
        self.region.choices = [*offered(words, (ALL,)), *(SelectChoice(name, title) for name, title in regions.items())]
        self.fill.choices, self.sort.choices = offered(words, FILL_CHOICES), offered(words, SORT_CHOICES)
        self.terms.choices = offered(words, TERMS_CHOICES)
        return self


@functools.lru_cache(maxsize=64)
def offered(words: NullTranslations, choices: tuple[tuple[str, str], ...]) -> tuple[SelectChoice, ...]:
    """The choices in the reader's language, made once a language: as lazy texts they cost a fifth of the page."""
    return tuple(SelectChoice(value, words.gettext(text)) for value, text in choices)


def read(args: Mapping[str, str]) -> MultiDict:
    """The filters of an address; the home page's `key=waiting` and the like are among the states."""
    found = MultiDict({name: args[name] for name in (*FILTERS, "after", "before") if args.get(name)})
    if f"key-{args.get('key')}" in KEY_STATES:
        found["state"] = f"key-{args['key']}"
    return found


def asked(args: Mapping[str, str], *, keys: bool, keys_before_at: datetime) -> Asked:
    """What the address asks for; whoever may not see keys cannot filter by them. Keys made before `keys_before_at` are
    due for replacement."""
    text = names.key(visible(args.get("q", "")))
    state = args.get("state", "")
    return Asked(
        text=text if len(text) >= SHORTEST_SEARCH else "",
        state=state if state in STATES or state == "changing" else "",
        region=visible(args.get("region", "")),
        fill=args.get("fill", ""),
        key=KEY_STATES.get(state, "") if keys else "",
        keys_before_at=keys_before_at,
        terms=args.get("terms", ""),
        sort=args.get("sort", "name"),
    )


def visible(text: str) -> str:
    """What was typed without what cannot be typed: Postgres refuses a NUL with an error of its own."""
    return "".join(sign for sign in text[:LONGEST_SEARCH] if sign.isprintable())


def place(args: Mapping[str, str], name: str) -> str:
    """The number after or before which the page lies; a malformed one is none."""
    number = args.get(name, "")
    return number if NUMBER.fullmatch(number) else ""


def kept(args: Mapping[str, str]) -> dict[str, str]:
    """The filters of this address, for addresses that keep them."""
    return {name: args[name] for name in FILTERS if args.get(name) and (name, args[name]) != ("sort", "name")}


def addresses(args: Mapping[str, str], page: Page) -> dict[str, str | None]:
    """Neighbouring pages and the file. The places are numbers, so that no customer's name stands in an address."""
    own = kept(args)
    return {
        "earlier_url": url_for("sub_accounts.index", before=page.earlier, **own) if page.earlier else None,
        "later_url": url_for("sub_accounts.index", after=page.later, **own) if page.later else None,
        "export_url": url_for("sub_accounts.export", **own),
        "links_url": url_for("sub_accounts.send_links", **own),
        "watched": ".".join(row.number for row in page.rows if row.flow_down_linked),
    }


def found_text(page: Page) -> str:
    """What is said after a search, without counting what is not shown."""
    if not page.rows:
        return _("No sub-account matches.")
    if page.earlier or page.later:
        return _("%(num)s sub-accounts on this page.", num=len(page.rows))
    return ngettext("%(num)s sub-account found.", "%(num)s sub-accounts found.", len(page.rows))


def file_rows(rows, *, private: bool) -> Iterator[list]:
    for row in rows:
        cells = [
            row.number, row.name, row.customer_name, row.region_name, row.phase, settled(row), row.billing,
            row.allocated_bytes, row.in_force_bytes, row.used_bytes if row.measured_at else None, row.measured_at,
            row.allow_overdraft, row.flow_down, row.created_at,
        ]  # fmt: skip
        if private:
            cells += [row.contact_name, row.contact_email, key_state(row.key_phase, row.key_revealed_at)]
        yield cells
