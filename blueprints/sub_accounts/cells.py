"""The rows of the list, put together here and not in the template, which would take most of the page's time for it.

Texts of people (names) go through `escape`; all else is the product's own words, numbers, and pieces that are HTML.
"""

from collections.abc import Iterable
from typing import NamedTuple

from flask_babel import gettext as _
from markupsafe import Markup, escape

from blueprints import formats, pieces
from blueprints.sub_accounts.states import flow_down_badge, key_badge, phase_badge
from services.refusal import N_

FULL = N_("Full, uploads refused"), "warn"


class Heads(NamedTuple):
    """The heads of the columns, which are also the labels of the cells where a row is shown as a card."""

    name: Markup
    number: Markup
    state: Markup
    used: Markup
    terms: Markup
    key: Markup


def heads() -> Heads:
    return Heads(
        *(escape(text) for text in (_("Name"), _("Number"), _("State"), _("Used"), _("Terms"), _("First key")))
    )


def table_rows(rows: Iterable, heads: Heads, row_url: str | None) -> Markup:
    """`rows` are those of models/lists.py. Whoever may not open a sub-account gets no `row_url`, and sees no keys."""
    reader = formats.reader()
    lines = [_line(row, heads, escape(row_url) if row_url else None, reader) for row in rows]
    return Markup("\n".join(lines))  # noqa: S704 - made of escaped parts, see above


def _line(row, heads: Heads, row_url: str | None, reader: formats.Reader) -> str:
    words, number, name = reader.translations, escape(row.number), escape(row.name)
    title = f'<a href="{row_url}{number}">{name}</a>' if row_url else name
    customer = f"<br>{_note(row.customer_name)}" if row.customer_name != row.name else ""
    key = pieces.worded_badge(words, *key_badge(row.key_phase, row.key_revealed_at)) if row_url else ""
    return (
        f'<tr>\n<th scope="row">{title}</th>\n'
        f'<td data-label="{heads.number}"><span class="number">{number}</span>{customer}</td>\n'
        f'<td data-label="{heads.state}">{_state(row, reader)}</td>\n'
        f'<td data-label="{heads.used}">{_used(row, heads.used, reader)}\n'
        f"{pieces.measured_for(reader, row.measured_at)}</td>\n"
        f"{terms_cell(row, heads, reader)}\n"
        + (f'<td data-label="{heads.key}">{key}</td>\n</tr>' if row_url else "</tr>")
    )


def terms_cell(row, heads: Heads, reader: formats.Reader, *, rider: bool = False) -> Markup:
    """How the customer agreed. It can be asked for alone while a link waits, and then goes into its place (`rider`)."""
    named = f' id="terms-{row.number}"' if row.flow_down_linked or rider else ""
    swapped = ' hx-swap-oob="true"' if rider else ""
    found = pieces.worded_badge(reader.translations, *flow_down_badge(row.flow_down, row.flow_down_linked))
    return Markup(f'<td{named}{swapped} data-label="{heads.terms}">{found}</td>')  # noqa: S704 - of escaped parts


def _note(text: str) -> str:
    return f'<span class="muted small">{escape(text)}</span>'


def _state(row, reader: formats.Reader) -> str:
    """Its badge, what is not yet as wanted, and what is refused."""
    found = str(pieces.worded_badge(reader.translations, *phase_badge(row)))
    if row.in_force_bytes is not None and row.in_force_bytes != row.allocated_bytes:
        in_force = pieces.with_amount(reader, N_("%(amount)s in force"), row.in_force_bytes)
        found += f"<br>{_note(in_force)}"
    return found if row.writable else f"{found}<br>{pieces.worded_badge(reader.translations, *FULL)}"


def _used(row, label: Markup, reader: formats.Reader) -> str:
    if row.measured_at is None and row.billing == "reserved":
        text = pieces.with_amount(reader, N_("%(amount)s allocated"), row.allocated_bytes)
    elif row.measured_at is None:
        text = _("no fixed allocation")
    elif row.billing == "reserved":
        return pieces.meter_for(reader, row.used_bytes, row.allocated_bytes, label)
    else:
        text = _("%(used)s, no fixed allocation", used=formats.bytes_text(row.used_bytes))
    return f"{escape(text)}<br>"
