"""The list of partners and the partner file."""

from flask import abort, g, request

from blueprints.access import Permission, requires, viewer
from blueprints.admin import bp
from blueprints.admin.trail import changes
from blueprints.errors import words
from blueprints.partials import answer
from blueprints.whole_numbers import whole
from models.contract import Contract
from models.partner import PARTNER_STATES, Member, Partner
from models.terms import Acceptance, TermsVersion
from models.verification import Measure
from services import (
    barred,
    closing,
    consent_objections,
    flow_down_figures,
    look_alikes,
    measures,
    operators_figures,
    partner_list,
    support_rules,
    trail,
    verdicts,
    verification,
)

TRAIL_GLANCE = 8


@bp.get("/partners")
@requires(Permission.APPLICATION_VIEW)
def partners():
    search, state = request.args.get("q", "").strip(), request.args.get("state", "")
    listing = partner_list.page(
        search,
        state if state in PARTNER_STATES else "",
        after=request.args.get("after", type=whole),
        before=request.args.get("before", type=whole),
    )
    return answer(
        "admin/partners.html",
        "admin/_partners.html",
        listing=listing,
        search=search,
        state=state,
        states=PARTNER_STATES,
    )


@bp.get("/partners/<int:partner_id>")
@requires(Permission.APPLICATION_VIEW)
def partner(partner_id: int):
    return show_partner(known_partner(partner_id))


def known_partner(partner_id: int) -> Partner:
    """Operators look after all partners, so this is the one place that fetches one by its id; unknown is 404."""
    return Partner.get_or_none(id=partner_id) or abort(404)


def show_partner(partner: Partner, status: int = 200, problem: str | None = None):
    """The partner file; `problem` is what was refused just now."""
    undecided = partner.state in verification.UNDECIDED
    return answer(
        "admin/partner.html",
        status=status,
        problem=problem,
        has_errors=problem is not None,
        partner=partner,
        undecided=undecided,
        details=verification.details(partner),
        seen=verification.fingerprint(partner),
        barred_matches=barred.matches(partner, barred.SURE) if partner.state in ("applied", "query", "refused") else [],
        measures=list(Measure.select().where(Measure.partner == partner).order_by(Measure.id.desc())),
        measure_reasons=measures.REASONS,
        termination=measures.open_measure(partner, "termination"),
        leaving=closing.open_for(partner),
        may_judge=partner.state in verdicts.JUDGED_STATES and viewer.may(Permission.APPLICATION_DECIDE),
        doubts=[(words(warning), warning) for warning in look_alikes.warnings(partner)] if undecided else [],
        unchecked=len(verdicts.missing(partner)) if undecided else 0,
        open_questions=partner.open_queries.count(),
        people=Member.select().where(Member.partner == partner).order_by(Member.id),
        consents=_consents(partner),
        objections=consent_objections.of_partner(partner),
        contracts=Contract.select().where(Contract.partner == partner).order_by(Contract.starts_on.desc(), Contract.id),
        figures=operators_figures.of_partner(partner),
        end_customers=flow_down_figures.of_partner(partner, g.clock.now()),
        events=trail.page(trail.Wanted(), partner, most=TRAIL_GLANCE, staff=True).events,
        changes=changes,
        may_decide=viewer.may(Permission.APPLICATION_DECIDE),
        support=support_rules.standing(partner.id, g.clock.now()),
    )


def _consents(partner: Partner):
    return (
        Acceptance.select(Acceptance, TermsVersion)
        .join(TermsVersion)
        .where(Acceptance.partner == partner)
        .order_by(Acceptance.accepted_at.desc(), Acceptance.id)
    )
