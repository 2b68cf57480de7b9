"""The cells of the list's rows: put together here and not in the template, which takes ten times as long for a page."""

from typing import NamedTuple

from flask_babel import gettext as _
from markupsafe import Markup

from blueprints import formats, pieces
from blueprints.sub_accounts.states import flow_down_badge, key_badge, phase_badge
from services.refusal import N_

NOTE = Markup('<br><span class="muted small">{}</span>')
LINE = Markup("{}<br>\n")
BREAK = Markup("<br>")
FULL = N_("Full, uploads refused"), "warn"


class Line(NamedTuple):
    """One row of models/lists.py with its cells."""

    number: str
    name: str
    customer: str
    state: Markup
    used: Markup
    terms: Markup
    key: Markup


def lines(rows: list) -> list[Line]:
    translations, used = formats.reader().translations, _("Used")

    def badge(state: tuple[str, str]) -> Markup:
        return pieces.worded_badge(translations, *state)

    return [
        Line(
            row.number,
            row.name,
            row.customer_name if row.customer_name != row.name else "",
            badge(phase_badge(row)) + _notes(row, badge),
            _used(row, used) + pieces.measured(row.measured_at),
            badge(flow_down_badge(row.flow_down_label, row.current_label)),
            badge(key_badge(row.key_phase, row.key_revealed_at)),
        )
        for row in rows
    ]


def _notes(row, badge) -> Markup:
    """What is not yet as wanted, and what is refused."""
    notes = Markup()
    if row.in_force_bytes is not None and row.in_force_bytes != row.allocated_bytes:
        notes += NOTE.format(_("%(amount)s in force", amount=formats.bytes_text(row.in_force_bytes)))
    return notes if row.writable else notes + BREAK + badge(FULL)


def _used(row, label: str) -> Markup:
    if row.measured_at is None:
        allocated = formats.bytes_text(row.allocated_bytes)
        fixed = row.billing == "reserved"
        return LINE.format(_("%(amount)s allocated", amount=allocated) if fixed else _("no fixed allocation"))
    if row.billing == "reserved":
        return pieces.meter(row.used_bytes, row.allocated_bytes, label) + "\n"
    return LINE.format(_("%(used)s, no fixed allocation", used=formats.bytes_text(row.used_bytes)))
