"""Sub-accounts: the list, a new one, and the page of one."""

import json
import secrets
from datetime import timedelta

from flask import Blueprint, Response, current_app, flash, g, make_response, request, stream_with_context, url_for
from flask_babel import gettext as _

from blueprints.access import Permission, act, requires, takes_files, viewer
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to, wants_partial
from blueprints.sub_accounts import cells, listing, showing
from blueprints.sub_accounts.forms import DescribeForm, NewForm
from models import lists
from services import csv_export, flow_down_keys, sub_accounts
from services.clock import local_day
from services.once import KeyReused
from services.refusal import Refusal
from services.region_list import regions_offered
from services.sub_account_lookup import open_contracts, own_sub_account
from services.uploads import LARGEST_BYTES

bp = Blueprint("sub_accounts", __name__, url_prefix="/sub-accounts")


def asked(args, keys: bool) -> lists.Asked:
    age = timedelta(days=current_app.settings.key_age_days)
    return listing.asked(args, keys=keys, keys_before_at=g.clock.now() - age)


@bp.get("")
@requires(Permission.SUB_ACCOUNT_LIST)
def index():
    args, keys = listing.read(request.args), viewer.may(Permission.SUB_ACCOUNT_VIEW)
    places = {name: listing.place(args, name) for name in ("after", "before")}
    found = lists.page(viewer.partner, asked(args, keys), g.clock.now(), **places)
    regions = {} if wants_partial() else lists.region_titles()
    form = None if wants_partial() else listing.FilterForm(args).offer(regions, keys=keys)
    heads = cells.heads()
    row_url = url_for("sub_accounts.show", number="0" * 12).removesuffix("0" * 12) if keys else None
    values = {
        "rows": cells.table_rows(found.rows, heads, row_url),
        "heads": heads,
        "details": keys,
        "filtered": bool(listing.kept(args)) or any(places.values()),
        "form": form,
        "regions": regions,
        **listing.addresses(args, found),
    }
    response = answer("sub_accounts/index.html", "sub_accounts/_rows.html", **values)
    if wants_partial():
        focus = {"focus": "#rows"} if any(places.values()) else {}
        response.headers["HX-Trigger"] = json.dumps({"say": listing.found_text(found), **focus})
    return response


@bp.get("/export.csv")
@requires(Permission.SUB_ACCOUNT_EXPORT, least="export")
def export():
    """The whole selection, not the page."""
    private = viewer.may(Permission.SUB_ACCOUNT_VIEW)
    wanted = asked(listing.read(request.args), private)
    rows = lists.everything(viewer.partner, wanted, g.clock.now())
    header = [*listing.COLUMNS, *(listing.PRIVATE_COLUMNS if private else ())]
    pieces = csv_export.lines(header, listing.file_rows(rows, private=private))
    response = Response(stream_with_context(pieces), mimetype="text/csv")
    day = local_day(g.clock.now(), viewer.person.time_zone).isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="sub-accounts-{day}.csv"'
    return response


@bp.get("/new")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="sub_account_creation")
def new():
    return show_form(NewForm())


@bp.post("/new")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="sub_account_creation")
@takes_files
def create():
    form = NewForm().offer(open_contracts(viewer.partner), regions_offered(closed=False))
    if not form.validate():
        return show_form(form, 422)
    try:
        account = sub_accounts.create(act(), current_app.settings, viewer.partner, form.wish(), form.once.data)
    except Refusal as refusal:
        if isinstance(refusal, KeyReused):
            form.once.data = secrets.token_urlsafe(16)
        put_refusal(form, refusal)
        return show_form(form, 422)
    return leave_to(url_for("sub_accounts.show", number=account.number))


def show_form(form: NewForm, status: int = 200) -> Response:
    contracts, regions = open_contracts(viewer.partner), regions_offered(closed=False)
    terms, text = showing.terms_text(g.clock.now())
    today = local_day(g.clock.now(), current_app.settings.provider.time_zone)
    return answer(
        "sub_accounts/new.html",
        status=status,
        form=form.offer(contracts, regions),
        contracts=contracts,
        regions=regions,
        terms=terms,
        terms_html=text,
        today=today,
        keys_wait=flow_down_keys.wanted(),
        most_bytes=LARGEST_BYTES,
    )


@bp.get("/<account:number>")
@requires(Permission.SUB_ACCOUNT_VIEW)
def show(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    return answer("sub_accounts/show.html", **showing.page(account), **console.card(account))


@bp.get("/<account:number>/state")
@requires(Permission.SUB_ACCOUNT_VIEW, polled=True)
def state(number: str):
    """What the page of an unsettled sub-account asks again and again; nothing when it already shows that."""
    account = own_sub_account(viewer.partner, number, g.clock.now())
    values = showing.live(account)
    if not wants_partial():
        return leave_to(url_for("sub_accounts.show", number=number))
    if request.args.get("seen") == values["seen"]:
        return make_response("", 204)
    response = answer("", "sub_accounts/_state.html", riders=showing.riders(values), **values)
    if not values["waiting"]:
        response.headers["HX-Trigger"] = json.dumps({"say": showing.settled_text(account)})
    return response


@bp.get("/<account:number>/edit")
@requires(Permission.SUB_ACCOUNT_CHANGE)
def edit(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    return answer("sub_accounts/edit.html", account=account, form=DescribeForm(obj=account))


@bp.post("/<account:number>/edit")
@requires(Permission.SUB_ACCOUNT_CHANGE)
def describe(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    form = DescribeForm()
    if form.validate():
        try:
            sub_accounts.describe(act(), account, form.name.data, form.contact_name.data, form.contact_email.data)
            flash(_("Saved."), "success")
            return leave_to(url_for("sub_accounts.show", number=number))
        except Refusal as refusal:
            put_refusal(form, refusal)
    return answer("sub_accounts/edit.html", status=422, account=account, form=form)


from blueprints.sub_accounts import (  # noqa: E402, F401  their pages need `bp`
    agreeing,
    agreeing_many,
    console,
    life,
    moving,
    second,
)
