"""Use of all sub-accounts over a range of days, on a page and as a file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Blueprint, Response, g, request, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField

from blueprints.access import Permission, requires, viewer
from blueprints.partials import answer
from models import usage_lists
from services import csv_export

bp = Blueprint("usage", __name__, url_prefix="/usage")

LONGEST_DAYS = 366
NUMBER = re.compile("[0-9]{12}")
COLUMNS = (
    "number", "name", "customer", "billing", "from", "to", "days_measured", "average_bytes", "peak_bytes",
    "last_bytes", "last_measured_at", "allocated_bytes", "excess_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """UTC days, both included."""

    first_on: date
    last_on: date

    @property
    def days(self) -> int:
        return (self.last_on - self.first_on).days + 1


class RangeForm(FlaskForm):
    class Meta:
        csrf = False

    first = DateField(_l("First day"))
    last = DateField(_l("Last day"))


def this_month(at: datetime) -> Range:
    today = at.astimezone(UTC).date()
    return Range(today.replace(day=1), today)


def range_of(args: Mapping[str, str], at: datetime) -> tuple[Range, RangeForm]:
    """The days that the address names; this month when it names none, or none that can be shown."""
    usual = this_month(at)
    if not args.get("first") and not args.get("last"):
        return usual, RangeForm(formdata=None, first=usual.first_on, last=usual.last_on)
    form = RangeForm(args)
    first_on, last_on = form.first.data, form.last.data
    for field in (form.first, form.last):
        field.errors = [] if field.data else [_("Enter a day such as %(example)s.", example=usual.last_on.isoformat())]
    if first_on and last_on:
        if last_on < first_on:
            form.last.errors = [_("The last day must not be before the first.")]
        elif (last_on - first_on).days >= LONGEST_DAYS:
            form.last.errors = [_("Choose at most %(most)s days.", most=LONGEST_DAYS)]
    return (usual if form.errors else Range(first_on, last_on)), form


@bp.get("")
@requires(Permission.USAGE_VIEW)
def index():
    days, form = range_of(request.args, g.clock.now())
    places = {name: place(name) for name in ("after", "before")}
    found = usage_lists.page(viewer.partner, days.first_on, days.last_on, **places)
    own = {"first": days.first_on.isoformat(), "last": days.last_on.isoformat()}
    return answer(
        "usage/index.html",
        "usage/_lines.html",
        status=422 if form.errors else 200,
        form=form,
        days=days,
        found=found,
        sums=usage_lists.sums(viewer.partner, days.first_on, days.last_on),
        details=viewer.may(Permission.SUB_ACCOUNT_VIEW),
        row_url=url_for("sub_accounts.show", number="0" * 12).removesuffix("0" * 12),
        earlier_url=url_for("usage.index", before=found.earlier, **own) if found.earlier else None,
        later_url=url_for("usage.index", after=found.later, **own) if found.later else None,
        export_url=url_for("usage.export", **own),
        focus="#lines" if any(places.values()) else None,
    )


@bp.get("/export.csv")
@requires(Permission.USAGE_VIEW)
def export():
    """All pages. Days that cannot be shown are answered with the page that says so."""
    days, form = range_of(request.args, g.clock.now())
    if form.errors:
        return index()
    lines = usage_lists.everything(viewer.partner, days.first_on, days.last_on)
    pieces = csv_export.lines(COLUMNS, file_rows(lines, days))
    response = Response(stream_with_context(pieces), mimetype="text/csv")
    name = f"usage-{days.first_on.isoformat()}-to-{days.last_on.isoformat()}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def place(name: str) -> str:
    number = request.args.get(name, "")
    return number if NUMBER.fullmatch(number) else ""


def file_rows(lines: Iterator[usage_lists.Line], days: Range) -> Iterator[list]:
    for line in lines:
        yield [
            line.number, line.name, line.customer_name, line.billing, days.first_on, days.last_on, line.days,
            line.average_bytes, line.peak_bytes, line.last_bytes, line.measured_at, line.allocated_bytes,
            line.excess_bytes,
        ]  # fmt: skip
