"""What each action of the audit trail is called on pages."""

from flask import Flask
from flask_babel import lazy_gettext as _l

ACTIONS = {
    "access_key.applied": _l("Storage service has switched or deleted the key"),
    "access_key.asked": _l("New key asked for"),
    "access_key.deleted": _l("Key deleted for good"),
    "access_key.made": _l("Key made on the storage service"),
    "access_key.revealed": _l("Secret key shown"),
    "access_key.secret_destroyed": _l("Secret key destroyed, its time was over"),
    "access_key.stored": _l("Secret key confirmed as stored"),
    "access_key.switched_off": _l("Key switched off"),
    "access_key.switched_on": _l("Key switched on again"),
    "allocation.changed": _l("Allocation changed"),
    "allocation.closed": _l("Allocation released"),
    "allocation.opened": _l("Allocation set aside"),
    "allocation.undone": _l("Allocation change undone"),
    "contract.activated": _l("Contract begun"),
    "contract.created": _l("Contract created"),
    "contract.expired": _l("Contract ended"),
    "hand_over.created": _l("Link to hand a key over made"),
    "hand_over.expired": _l("Link to hand a key over ended unused"),
    "hand_over.used": _l("Key handed over by a link"),
    "hand_over.withdrawn": _l("Link to hand a key over withdrawn"),
    "drift.account_barred": _l("Unknown account on the storage service barred"),
    "drift.found": _l("Difference on the storage service found"),
    "drift.key_marked": _l("Key is gone from the storage service"),
    "drift.key_switched_off": _l("Unknown key on the storage service switched off"),
    "drift.repair_begun": _l("Difference on the storage service is being put right"),
    "drift.resolved": _l("Difference on the storage service ended"),
    "link.issued": _l("One-time link sent"),
    "link.used": _l("One-time link used"),
    "mail.retried": _l("Mail sent once more"),
    "member.confirmed": _l("Mail address confirmed"),
    "operator.activated": _l("Access of an operator given back"),
    "operator.added": _l("Operator added"),
    "operator.deactivated": _l("Access of an operator taken away"),
    "partner.answered": _l("Questions answered"),
    "partner.applied": _l("Application sent"),
    "partner.approved": _l("Application approved"),
    "partner.queried": _l("Question about the application"),
    "partner.refused": _l("Application refused"),
    "partner.signed_up": _l("Signed up"),
    "partner.signed_up_again": _l("Signed up anew"),
    "password.changed": _l("Password changed"),
    "password.chosen": _l("Password chosen"),
    "sample_data.made": _l("Sample data made"),
    "session.begun": _l("Signed in"),
    "session.ended": _l("Signed out"),
    "sub_account.applied": _l("Storage service has followed"),
    "sub_account.change_cancelled": _l("Change of the allocation taken back by an operator"),
    "sub_account.created": _l("Sub-account created"),
    "sub_account.described": _l("Sub-account details changed"),
    "sub_account.paused": _l("Put on hold by an operator"),
    "sub_account.remote_accepted": _l("Amount on the storage service taken over"),
    "sub_account.resumed": _l("Let go on by an operator"),
    "sub_account.retried": _l("Set-up tried again"),
    "sub_account.stuck": _l("Set-up needs a person"),
    "sub_account.writing_switched": _l("Uploads stopped or allowed again"),
    "terms.accepted": _l("Document accepted"),
    "terms.published": _l("Document published"),
}


def action_text(action: str) -> str:
    return str(ACTIONS.get(action, action))


def init_app(app: Flask) -> None:
    app.jinja_env.filters["action_text"] = action_text
