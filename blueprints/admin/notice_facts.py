"""What an operator is told about a notice beside its text."""

from flask_babel import gettext as _

from blueprints.admin.notice_forms import PARTNER_KINDS, ROLES
from blueprints.formats import when
from models.notice import Notice
from services import features


def facts(notice: Notice, chosen: list[str]) -> list[tuple[str, str]]:
    """Labels and values, those left out that say nothing. `chosen`: names of chosen partners."""
    until, yes_no = notice.over_at or notice.ends_at, (_("no"), _("yes"))
    mailed = _("written on %(at)s", at=when(notice.mailed_at)) if notice.mailed_at else yes_no[notice.important]
    rows = [
        (_("Partners"), "; ".join(chosen) or _("All partners")),
        (_("Kinds of partners"), _named(notice.audience.get("kinds", []), PARTNER_KINDS)),
        (_("Roles"), _named(notice.audience.get("roles", []), ROLES)),
        (_("In force from"), when(notice.starts_at) or _("when it is published")),
        (_("In force until"), when(until) or _("until somebody ends it")),
        (_("On every page"), yes_no[notice.pinned]),
        (_("Mail to everybody"), mailed),
        (_("Acknowledgement"), _("asked of each member") if notice.asks else _("not asked")),
        (_("Closed until then"), ", ".join(area_label(area) for area in notice.blocks)),
        (_("Acknowledgements of the edition before"), _before(notice)),
        (_("Published by"), notice.published_by),
        (_("Ended by"), notice.ended_by),
    ]
    return [(label, value) for label, value in rows if value]


def area_label(area: str) -> str:
    return _(features.AREAS[area].label) if area in features.AREAS else area


def _named(codes: list[str], labels: dict) -> str:
    return ", ".join(str(labels[code]) for code in codes)


def _before(notice: Notice) -> str:
    if notice.corrects_id is None:
        return ""
    return _("are asked again") if notice.asks_again else _("count for this one")
