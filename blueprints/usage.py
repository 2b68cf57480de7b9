"""Use of all sub-accounts and of one over a range of days, on pages and as files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, Response, g, request, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField

from blueprints.access import Permission, requires, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer
from models import usage_days, usage_lists
from models.usage import UsageDay
from services import csv_export, usage_chart, usage_files
from services.sub_account_lookup import own_sub_account

bp = Blueprint("usage", __name__, url_prefix="/usage")
desk = usage_files.Desk()

LONGEST_DAYS = 366
NUMBER = re.compile("[0-9]{12}")
COLUMNS = (
    "number", "name", "customer", "billing", "from", "to", "days_measured", "average_bytes", "peak_bytes",
    "last_bytes", "last_measured_at", "allocated_bytes", "excess_bytes",
)  # fmt: skip
DAY_COLUMNS = (
    "number", "name", "customer", "billing", "day", "hours_measured", "average_bytes", "peak_bytes", "last_bytes",
    "allocated_bytes", "excess_bytes", "objects", "old_versions_bytes", "unfinished_uploads_bytes", "last_measured_at",
    "traffic_hours_known", "received_bytes", "sent_bytes", "requests",
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """UTC days, both included."""

    first_on: date
    last_on: date

    @property
    def days(self) -> int:
        return (self.last_on - self.first_on).days + 1

    @property
    def arguments(self) -> dict[str, str]:
        return {"first": self.first_on.isoformat(), "last": self.last_on.isoformat()}


class RangeForm(FlaskForm):
    class Meta:
        csrf = False

    first = DateField(_l("First day"))
    last = DateField(_l("Last day"))


def this_month(at: datetime) -> Range:
    today = at.astimezone(UTC).date()
    return Range(today.replace(day=1), today)


def last_days(at: datetime) -> Range:
    today = at.astimezone(UTC).date()
    return Range(today - timedelta(days=usage_chart.DAYS - 1), today)


def range_of(args: Mapping[str, str], usual: Range) -> tuple[Range, RangeForm]:
    """The days that the address names; the usual ones when it names none, or none that can be shown."""
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
    return listing(*range_of(request.args, this_month(g.clock.now())))


def listing(days: Range, form: RangeForm, status: int = 422):
    """The page; `status` is that of a form with errors."""
    places = {name: place(name) for name in ("after", "before")}
    found = usage_lists.page(viewer.partner, days.first_on, days.last_on, **places)
    own, nobody = days.arguments, "0" * 12
    rows = "sub_accounts.show" if viewer.may(Permission.SUB_ACCOUNT_VIEW) else "usage.account"
    return answer(
        "usage/index.html",
        "usage/_lines.html",
        status=status if form.errors else 200,
        form=form,
        days=days,
        found=found,
        sums=usage_lists.sums(viewer.partner, days.first_on, days.last_on),
        row_url=url_for(rows, number=nobody).removesuffix(nobody),
        earlier_url=url_for("usage.index", before=found.earlier, **own) if found.earlier else None,
        later_url=url_for("usage.index", after=found.later, **own) if found.later else None,
        export_url=url_for("usage.export", **own),
        days_url=url_for("usage.export_days", **own),
        focus="#lines" if any(places.values()) else None,
    )


@bp.get("/export.csv")
@requires(Permission.USAGE_VIEW, least="export", area="exports")
def export():
    """All pages. Days that cannot be shown are answered with the page that says so."""
    days, form = range_of(request.args, this_month(g.clock.now()))
    if form.errors:
        return listing(days, form)
    lines = usage_lists.everything(viewer.partner, days.first_on, days.last_on)
    return file(COLUMNS, file_rows(lines, days), "usage", days)


@bp.get("/days.csv")
@requires(Permission.USAGE_VIEW, least="export", area="exports")
def export_days():
    """Every day of every sub-account. What cannot be made now is answered with the page that says so."""
    days, form = range_of(request.args, this_month(g.clock.now()))
    if form.errors:
        return listing(days, form)
    try:
        usage_files.refuse_long(viewer.partner, days.first_on, until_today(days))
        end = desk.begin(viewer.partner)
    except usage_files.FileRefused as refused:
        put_refusal(form, refused)
        return listing(days, form, 422 if refused.field else 429)
    response = file(DAY_COLUMNS, day_rows(days), "usage-by-day", days)
    response.call_on_close(end)  # read to its end, broken off, or never begun
    return response


@bp.get("/<account:number>")
@requires(Permission.USAGE_VIEW)
def account(number: str):
    days, form = range_of(request.args, last_days(g.clock.now()))
    found = own_sub_account(viewer.partner, number, g.clock.now())
    chart = usage_chart.of_days(found, days.first_on, days.last_on)
    status = 422 if form.errors else 200
    return answer("usage/account.html", "usage/account.html", status=status, form=form, account=found, chart=chart)


@bp.get("/<account:number>/days.csv")
@requires(Permission.USAGE_VIEW, least="export", area="exports")
def account_days(number: str):
    """Every day of the one. Days that cannot be shown are answered with the page that says so."""
    days, form = range_of(request.args, last_days(g.clock.now()))
    if form.errors:
        return account(number)
    found = own_sub_account(viewer.partner, number, g.clock.now())
    return file(DAY_COLUMNS, day_rows(days, found.number), f"usage-{found.number}", days)


def file(columns: Iterable[str], rows: Iterator[list], name: str, days: Range) -> Response:
    response = Response(stream_with_context(csv_export.lines(tuple(columns), rows)), mimetype="text/csv")
    name = f"{name}-{days.first_on.isoformat()}-to-{days.last_on.isoformat()}.csv"
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


def until_today(days: Range) -> date:
    return min(days.last_on, g.clock.now().astimezone(UTC).date())


def day_rows(days: Range, number: str = "") -> Iterator[list]:
    """A day that was not measured has empty cells, and so has one whose traffic the storage service did not tell.
    Days to come have no row."""
    for line in usage_days.daily(viewer.partner, days.first_on, until_today(days), number):
        account = line.account
        yield [
            account.number, account.name, account.customer_name, account.billing, line.day_on,
            *use_cells(line.usage, account.billing == "reserved"), *traffic_cells(line),
        ]  # fmt: skip


def use_cells(day: UsageDay | None, limited: bool) -> list:
    if day is None:
        return [None] * 10
    allocated_bytes = day.allocated_bytes if limited else None
    excess_bytes = max(0, day.average_bytes - day.allocated_bytes) if limited else None
    return [
        day.hours, day.average_bytes, day.peak_bytes, day.last_bytes, allocated_bytes, excess_bytes, day.object_count,
        day.noncurrent_bytes, day.unfinished_bytes, day.measured_at,
    ]  # fmt: skip


def traffic_cells(line: usage_days.DayLine) -> list:
    if not line.traffic_hours:
        return [None] * 4
    if line.traffic is None:
        return [line.traffic_hours, 0, 0, 0]
    return [line.traffic_hours, line.traffic.received_bytes, line.traffic.sent_bytes, line.traffic.requests]
