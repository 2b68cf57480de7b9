"""What is said about a storage service as a whole."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from services.region_alarms import Alarm

TITLES = {
    "abandoned": _l("Nobody looks after this region"),
    "pending": _l("Changes wait for more than 5 minutes"),
    "unscanned": _l("The comparison is more than an hour old"),
}
ADVICE = {
    "abandoned": _l("Changes wait, and quotas may not be held. Start a worker for it; its log says what is wrong."),
    "pending": _l("See whether the storage service answers, and what the worker's log says."),
    "unscanned": _l("What changes on the service goes unseen. See what is said here about the last comparison."),
}
REMOVED = _l("It is not configured any more, but sub-accounts live there. Put it back into the worker's settings.")

ABLE = {
    "key_import": (_l("the portal chooses access keys"), _l("the service makes access keys itself")),
    "key_inactive": (_l("keys can be switched off and on"), _l("keys are switched off by deleting them there")),
    "last_used": (_l("tells when a key was last used"), _l("does not tell when a key was last used")),
    "traffic": (_l("tells traffic"), _l("does not tell traffic")),
    "versions": (_l("customers may keep old versions of objects"), _l("no old versions of objects")),
    "read_only": (_l("accounts can be made read-only"), _l("accounts cannot be made read-only")),
    "customer_buckets": (_l("customers make buckets themselves"), _l("the portal makes the buckets")),
}


def alarm_title(alarm: Alarm) -> str:
    return str(TITLES[alarm.kind])


def alarm_advice(alarm: Alarm) -> str:
    if alarm.kind == "abandoned" and alarm.region.removed_at is not None:
        return str(REMOVED)
    return str(ADVICE[alarm.kind])


def abilities(capabilities: Mapping[str, Any]) -> list[str]:
    """What the service can and cannot do; empty before its worker has described it."""
    found = [str(words[0] if capabilities[name] else words[1]) for name, words in ABLE.items() if name in capabilities]
    if capabilities.get("max_keys") is not None:
        most = capabilities["max_keys"]
        found.append(ngettext("%(num)s key an account at most", "%(num)s keys an account at most", most))
    if capabilities.get("quota_scope") == "bucket":
        found.append(_("quotas hold for each bucket by itself"))
    return found
