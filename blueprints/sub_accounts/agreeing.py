"""The terms for end customers on the page of a sub-account: how its customer agreed, links, the partner's word (T2)."""

import json
import secrets

from flask import current_app, flash, g, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from blueprints import formats
from blueprints.access import Permission, act, requires, takes_files, viewer
from blueprints.errors import put_refusal, words
from blueprints.partials import answer, leave_to, wants_partial
from blueprints.sub_accounts import bp, showing
from blueprints.sub_accounts.forms import TOO_LONG, DayField
from blueprints.uploading import as_download, sent_pdf
from models.sub_account import SubAccount
from services import flow_down, flow_down_attesting, flow_down_links
from services.clock import local_day
from services.flow_down_attesting import Attestation
from services.names import LONGEST
from services.refusal import NotFound, Refusal
from services.sub_account_lookup import own_sub_account
from services.uploads import LARGEST_BYTES


class AttestForm(FlaskForm):
    once = HiddenField(validators=[Regexp(r"[A-Za-z0-9_-]{16,64}")], default=lambda: secrets.token_urlsafe(16))
    agreed = BooleanField(
        _l("The customer has agreed to these terms, or to equivalent ones in its contract with us."),
        [InputRequired(_l("Confirm that the customer has agreed."))],
    )
    reference = StringField(
        _l("Reference of that contract"),
        [
            InputRequired(_l("Enter the number or name by which you find that contract again.")),
            Length(max=LONGEST, message=TOO_LONG),
        ],
    )
    agreed_on = DayField(_l("Agreed on"), [InputRequired(_l("Enter the day on which the customer agreed."))])
    document = FileField(_l("Document that shows it (PDF)"))


@bp.get("/<account:number>/terms")
@requires(Permission.SUB_ACCOUNT_VIEW, polled=True)
def terms_state(number: str):
    """What the page asks again and again while a link waits; with the answer go state and keys, which may follow."""
    account = own_sub_account(viewer.partner, number, g.clock.now())
    if not wants_partial():
        return leave_to(page_of(number))
    values = {**showing.live(account), **showing.terms(account)}
    if request.args.get("seen") == values["terms_seen"]:
        return make_response("", 204)
    riders = ("sub_accounts/_state.html", *showing.riders(values)[1:])
    response = answer("", "sub_accounts/_flow_down.html", riders=riders, **values)
    response.headers["HX-Trigger"] = json.dumps({"say": _("The customer has answered.")})
    return response


@bp.post("/<account:number>/terms/send")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="flow_down")
def send_link(number: str):
    once_key, locale = request.form.get("once", "")[:64] or secrets.token_urlsafe(16), formats.language()

    def send():
        link = flow_down_links.send(act(), current_app.settings, viewer.partner, number, locale, once_key)
        return _("A link is on its way to %(address)s.", address=link.email)

    return carried_out(number, send)


@bp.post("/<account:number>/terms/withdraw")
@requires(Permission.SUB_ACCOUNT_CHANGE, area="flow_down")
def withdraw_link(number: str):
    def withdraw():
        done = flow_down_links.withdraw(act(), viewer.partner, number)
        return _("The link does not work any more.") if done else _("There is no link that waits.")

    return carried_out(number, withdraw)


@bp.route("/<account:number>/terms/attest", methods=["GET", "POST"])
@requires(Permission.SUB_ACCOUNT_CHANGE, area="flow_down")
@takes_files
def attest(number: str):
    account = own_sub_account(viewer.partner, number, g.clock.now())
    form = AttestForm()
    if form.validate_on_submit():
        try:
            said = Attestation(form.reference.data, form.agreed_on.data, sent_pdf(form.document))
            flow_down_attesting.attest(act(), current_app.settings, viewer.partner, number, said, form.once.data)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
        else:
            flash(_("Recorded: the customer has agreed."), "good")
            return leave_to(page_of(number))
    return attest_page(account, form)


def attest_page(account: SubAccount, form: AttestForm):
    today = local_day(g.clock.now(), current_app.settings.provider.time_zone)
    version, text = showing.terms_text(g.clock.now())
    status = 422 if form.errors else 200
    values = {"account": account, "form": form, "today": today, "terms": version, "terms_html": text}
    return answer("sub_accounts/attest.html", status=status, most_bytes=LARGEST_BYTES, **values)


@bp.get("/<account:number>/terms/documents/<name:public_id>")
@requires(Permission.SUB_ACCOUNT_VIEW)
def terms_document(number: str, public_id: str):
    return as_download(flow_down.document(act(), viewer.partner, number, public_id))


def page_of(number: str) -> str:
    return url_for("sub_accounts.show", number=number, _anchor="flow-down")


def carried_out(number: str, change):
    """Back to the page either way, which says what came of it."""
    try:
        told = change()
    except NotFound:
        raise
    except Refusal as refusal:
        flash(words(refusal), "bad")
    else:
        flash(told, "good")
    return leave_to(page_of(number))
