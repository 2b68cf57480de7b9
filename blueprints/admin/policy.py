"""The rules that staff set while the portal runs, and a contract's own rules of fair use."""

from dataclasses import asdict

from flask import abort, flash, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from blueprints.access import Permission, act, requires, viewer
from blueprints.admin import bp
from blueprints.admin.policy_forms import SEEN, FairUseForm, changed, policy_form
from blueprints.admin.policy_words import GROUPS, RULES
from blueprints.admin.trail import changes
from blueprints.errors import put_refusal
from blueprints.partials import answer, leave_to
from models.contract import Contract
from services import fair_use, policy
from services.refusal import Refusal

LATEST = 20


@bp.get("/policy")
@requires(Permission.POLICY_VIEW)
def policy_show():
    return show_policy(policy_form(policy.current()))


@bp.post("/policy")
@requires(Permission.POLICY_CHANGE)
def policy_change():
    form = policy_form(policy.current())
    if not form.validate_on_submit():
        return show_policy(form, 422)
    wanted, seen = changed(form)
    try:
        policy.change(act(), wanted, seen=seen)
    except policy.PolicyRefused as refusal:
        put_refusal(form, refusal)
        stale = isinstance(refusal, policy.PolicyStale)
        if stale:
            show_other(form)
        return show_policy(form, 409 if stale else 422)
    flash(_("The rules were saved.") if wanted else _("Nothing was different from what holds already."), "good")
    return leave_to(url_for("admin.policy_show"))


def show_other(form: FlaskForm) -> None:
    """What was typed stays; saved again it counts as seen beside what holds now."""
    for name, value in vars(policy.current()).items():
        form[SEEN + name].data = str(int(value))


def show_policy(form: FlaskForm, status: int = 200):
    return answer(
        "admin/policy.html",
        status=status,
        form=form,
        groups=GROUPS,
        words=RULES,
        bounds=policy.BOUNDS,
        current=asdict(policy.current()),
        defaults=asdict(policy.Policy()),
        events=policy.latest(LATEST),
        changes=changes,
        may_change=viewer.may(Permission.POLICY_CHANGE),
        seen=SEEN,
    )


@bp.route("/contracts/<name:number>/fair-use", methods=["GET", "POST"])
@requires(Permission.POLICY_CHANGE)
def contract_fair_use(number: str):
    contract = Contract.get_or_none(Contract.number == number) or abort(404)
    form = FairUseForm(obj=contract)
    if not form.is_submitted():
        form.seen.data = fair_use.fingerprint(contract)
    elif form.validate():
        try:
            return save_fair_use(contract, form)
        except Refusal as refusal:
            put_refusal(form, refusal)
            form.seen.data = fair_use.fingerprint(Contract.get(Contract.number == number))
    status = 422 if form.errors else 200
    general = policy.current()
    return answer("admin/fair_use.html", status=status, form=form, contract=contract, general=asdict(general))


def save_fair_use(contract: Contract, form: FairUseForm):
    wanted = {name: form[name].data for name in fair_use.NAMES}
    fair_use.set_own(act(), contract.id, wanted, form.reason.data or "", seen=form.seen.data)
    flash(_("The rules of contract %(number)s were saved.", number=contract.number), "good")
    return leave_to(url_for("admin.partner", partner_id=contract.partner_id))
