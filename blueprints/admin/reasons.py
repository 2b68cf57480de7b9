"""Why a sub-account is stuck, and what an operator does about it."""

from flask_babel import gettext as _


def advice(code: str) -> str:
    """One sentence for the reason code that the worker left."""
    known = {
        "unavailable": _("The storage service did not answer in time. See whether it runs, then try again."),
        "refused": _("The storage service refused the change. Read its answer, mend the cause, then try again."),
        "conflict": _("The storage service holds something else in this place. Look there, then try again."),
        "stranger": _(
            "Another account stands under this name on the storage service. Clear that up there, then try again."
        ),
        "missing": _(
            "The account was there and is gone; its data may be lost. Find out why before anything is made anew."
        ),
        "no_room": _(
            "Other sub-accounts of the contract still hold what they give up. See what keeps them, then try again."
        ),
        "sealed": _("No data key opens the stored secret. Give the worker the key that sealed it, then try again."),
        "fault": _("The worker met a fault of its own. Read its log, report the fault, then try again."),
    }
    return known.get(code, _("The change took longer than it may. See whether the worker runs, then try again."))
