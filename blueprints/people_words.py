"""What fields and values of the trail about people of partners are called."""

from flask_babel import lazy_gettext as _l

ROLES = {"admin": _l("Administrator"), "staff": _l("Staff"), "viewer": _l("Viewer")}
RELATIONS = {"employee": _l("Employee"), "contractor": _l("Contractor"), "agent": _l("Agent")}
FIELDS = {
    "access_until_on": _l("Last day of access"),
    "declared_authority": _l("May bind the company"),
    "from_member": _l("From member"),
    "outcome": _l("Outcome"),
    "relation": _l("Relation"),
    "role": _l("Role"),
    "end": _l("How it ended"),
    "page": _l("Page"),
    "staff": _l("Person of support"),
    "to_member": _l("To member"),
}
REASONS = {
    "access period over": _l("access period over"),
    "left": _l("left the team"),
    "removed": _l("removed from the team"),
    "role changed": _l("role changed"),
}
VALUES = {
    "declared_authority": {"True": _l("yes"), "False": _l("no")},
    "invitation.outcome": {
        "replaced": _l("replaced by a newer one"),
        "void": _l("void: who sent it may not invite any more"),
        "withdrawn": _l("withdrawn"),
    },
    "authority_offer.outcome": {
        "accepted": _l("accepted"),
        "declined": _l("declined"),
        "void": _l("void: one of the two lost access"),
        "withdrawn": _l("withdrawn"),
    },
    "end": {
        "left": _l("by the operator"),
        "over": _l("its time was over"),
        "revoked": _l("taken back by the company"),
        "signed_out": _l("with the operator's log-in"),
    },
    "relation": RELATIONS,
    "role": ROLES,
}
