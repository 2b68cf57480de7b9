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
        "edited": _(
            "Somebody keeps changing this account on the storage service itself. Find out who, then take over "
            "the value there or let the worker put it right."
        ),
        "missing": _(
            "The account was there and is gone; its data may be lost. Find out why, and bring it back there if that "
            "can be. Only then decide that it is made anew, empty."
        ),
        "gone": _(
            "The account was gone before its deletion removed anything. See whether the region's address leads to the "
            "right storage service. Only when you know why it is gone, decide that the deletion ends."
        ),
        "not_begun": _(
            "It is marked as deleted, but the portal never began that, so nothing is removed. Somebody wrote to the "
            "database: find out who, and put the row right."
        ),
        "too_many": _(
            "More deletions run than may begin by themselves within an hour. See whether they are meant, and put on "
            "hold those that are not: the worker goes on with the others in an hour."
        ),
        "no_room": _(
            "Other sub-accounts of the contract still hold what they give up. See what keeps them, then try again."
        ),
        "locked": _("Objects are locked. The worker tries again each day, and when the lock ends."),
        "sealed": _("No data key opens the stored secret. Give the worker the key that sealed it, then try again."),
        "restored": _(
            "This database was restored from a backup, and the storage service may know better. Ask the partner, then "
            "let it go on or take over the value there. Nothing happens before the restored mode has ended."
        ),
        "fault": _("The worker met a fault of its own. Read its log, report the fault, then try again."),
    }
    return known.get(code, _("The change took longer than it may. See whether the worker runs, then try again."))


def finding_words(kind: str) -> str:
    """What the comparison found, in a few words."""
    return {
        "missing": _("The account is missing on the storage service"),
        "stranger": _("Another account stands under this name"),
        "quota": _("Another quota"),
        "suspension": _("Barred or let in by hand"),
        "key_state": _("A key was switched on or off by hand"),
        "unknown_account": _("Unknown account"),
        "unknown_key": _("Unknown key"),
        "key_missing": _("A key is gone"),
    }[kind]


def finding_advice(kind: str, acted: bool) -> str:
    """What was done about it, or what an operator does."""
    if acted:
        done = {
            "unknown_account": _("It is barred. See whose it is; nothing is deleted by itself."),
            "unknown_key": _("It is switched off. Find out who made it and whether data was read with it."),
            "key_missing": _("The partner was asked by mail to replace it."),
        }
        return done.get(kind, _("The worker is putting it right."))
    todo = {
        "unknown_account": _("Seen in two complete comparisons and older than a day, it is barred. See whose it is."),
        "unknown_key": _("The worker switches it off as soon as the storage service answers."),
        "key_missing": _("The partner has to replace it: the page of the sub-account says so."),
        "missing": _("Find out why before anything is made anew. The sub-account needs attention."),
    }
    return todo.get(kind, _("The worker lets it stand. Decide about the sub-account, in the list above."))
