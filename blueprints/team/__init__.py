"""The people of a partner (T4): the own team under /team, that of a distributor's partner under /partners/…/team, by
the same pages; and the link in an invitation."""

from importlib import import_module

from flask import Blueprint, current_app, g

from blueprints.access import viewer
from models.partner import Member, Partner
from services import team_rules

bp = Blueprint("team", __name__)
pages = Blueprint("pages", __name__)


@pages.url_value_preprocessor
def whose(endpoint: str | None, values: dict | None) -> None:
    """Takes the partner out of the address: views ask `of_partner`."""
    g.team_of = (values or {}).pop("partner", None)


@pages.url_defaults
def there_again(endpoint: str, values: dict) -> None:
    """Links of a partner's team stay with that partner."""
    if g.get("team_of") and current_app.url_map.is_endpoint_expecting(endpoint, "partner"):
        values.setdefault("partner", g.team_of)


def of_partner() -> Partner:
    """The partner whose team this page is about: the viewer's own, or one below it; a foreign one is 404."""
    if g.team_of is None:
        return Partner.get(Partner.id == viewer.partner.id)
    return team_rules.below(viewer.partner, g.team_of)


def known_member(public_id: str) -> Member:
    return team_rules.own_member(of_partner(), public_id)


for _name in ("listing", "deciding", "inviting", "authority", "joining", "leaving"):
    import_module(f"blueprints.team.{_name}")

bp.register_blueprint(pages, name="own", url_prefix="/team")
bp.register_blueprint(pages, name="below", url_prefix="/partners/<name:partner>/team")
