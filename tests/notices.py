"""Notices and switches as tests need them."""

from datetime import datetime

from models.feature_switch import FeatureSwitch
from models.notice import Notice
from services import feature_switching, notice_desk
from services.feature_switching import Wish
from services.notice_drafts import Draft
from tests.cast import act_of

LANGUAGES = ("en", "de")
TITLES = {"en": "Backups are yours", "de": "Sicherungen machen Sie"}
BODIES = {"en": "# Rule\n\nKeep **two** copies.\n", "de": "# Regel\n\nHalten Sie **zwei** Kopien.\n"}
TEXTS = {"en": "We are moving a rack.", "de": "Wir ziehen ein Regal um."}


def draft(**changes) -> Draft:
    values = {"kind": "regulation", "titles": TITLES, "bodies": BODIES}
    return Draft(**{**values, **changes})


def published(cast, at: datetime, **changes) -> Notice:
    """A notice of Olga's that is published at `at`."""
    act = act_of(cast.olga, at)
    notice = notice_desk.create(act, draft(**changes), f"notice-{Notice.select().count()}")
    return notice_desk.publish(act, notice.id, notice_desk.fingerprint(notice), LANGUAGES)


def switched_off(cast, at: datetime, area: str, partner=None, **changes) -> FeatureSwitch:
    """The area is off from `at` on, for the partner or for all."""
    values = {"from_at": None, "until_at": None, "texts": TEXTS, **changes}
    wish = Wish(area, partner.id if partner else None, **values)
    once = f"switch-{FeatureSwitch.select().count()}"
    return feature_switching.switch_off(act_of(cast.olga, at), wish, LANGUAGES, once)
