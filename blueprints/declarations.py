"""What each endpoint says of itself: who may open it, and how much of the portal its partner needs for that."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app

from blueprints.permissions import Permission, only_looks
from services.standing import LEVELS


@dataclass(frozen=True)
class Declaration:
    """What an endpoint says of itself. `least`: how much of the portal a partner must be allowed to use (levels of
    services/standing.py); unset, "read" to look and "full" to change, also for the form that a change begins with.
    `states`: the partner states that alone count instead, where the endpoint is about just these. `area`: the area of
    the portal it belongs to (services/features.py), where that is not the one of its permission. `proof`: only who
    showed lately who they are (step-up, blueprints/proving.py). `without_factor`: also before the second factor that
    somebody must have is set up. `console`: a page of the customer console, which knows nobody of the portal
    (blueprints/console_gate.py); `least` is what the customer's partner must be allowed."""

    open_to_all: bool = False
    permission: Permission | None = None
    states: tuple[str, ...] | None = None
    before_terms: bool = False
    polled: bool = False
    least: str | None = None
    area: str | None = None
    proof: bool = False
    without_factor: bool = False
    console: bool = False

    def level(self, method: str) -> str:
        looks = method in ("GET", "HEAD", "OPTIONS") and (self.permission is None or only_looks(self.permission))
        return self.least or ("read" if looks else "full")


def public(view: Callable | None = None, *, area: str | None = None) -> Callable:
    """Anyone may open this endpoint: @public, or @public(area="sign_up") for what can be switched off."""

    def declare(view: Callable) -> Callable:
        view.access = Declaration(open_to_all=True, area=area)  # type: ignore[attr-defined]
        return view

    return declare(view) if view else declare


def takes_files(view: Callable) -> Callable:
    """What is sent to this endpoint may be as large as a file; everything else is small."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def signed_in(
    view: Callable | None = None, *, proof: bool = False, without_factor: bool = False, polled: bool = False
) -> Callable:
    """Any signed-in person, whatever the partner's state and before the terms are accepted: log-out, own data.
    @signed_in, or @signed_in(…) with `proof`, `without_factor` and `polled` as in Declaration and requires."""

    def declare(view: Callable) -> Callable:
        view.access = Declaration(  # type: ignore[attr-defined]
            least="application", before_terms=True, polled=polled, proof=proof, without_factor=without_factor
        )
        return view

    return declare(view) if view else declare


def requires(
    permission: Permission,
    *,
    states: tuple[str, ...] | None = None,
    before_terms: bool = False,
    polled: bool = False,
    least: str | None = None,
    area: str | None = None,
    proof: bool = False,
) -> Callable:
    """Only roles that hold the permission. `polled`: a partial that asks again by itself and keeps no session alive.
    `least`, `states`, `area` and `proof` as in Declaration."""

    def declare(view: Callable) -> Callable:
        view.access = Declaration(  # type: ignore[attr-defined]
            False, permission, states, before_terms, polled, least, area, proof
        )
        return view

    return declare


def console_page(
    view: Callable | None = None, *, least: str = "export", before_terms: bool = False, area: str | None = "console"
) -> Callable:
    """Only who is signed in to the customer console. @console_page, or @console_page(…): `least` as in Declaration
    ("export" to look, "full" to change something); `before_terms`: also before the terms for end customers are
    answered. `area` beside the console itself; None: never off."""

    def declare(view: Callable) -> Callable:
        view.access = Declaration(  # type: ignore[attr-defined]
            console=True, least=least, before_terms=before_terms, area=area
        )
        return view

    return declare(view) if view else declare


def level_of(permission: Permission) -> str:
    """How much of the portal a partner needs to use this right: what the endpoints behind it say, those that change
    something where there are any. A right that no endpoint asks for is not bound to it."""
    levels = current_app.extensions.setdefault("levels_of_rights", {})
    if permission not in levels:
        levels[permission] = min(_levels_asked(permission), key=LEVELS.index)
    return levels[permission]


def _levels_asked(permission: Permission) -> list[str]:
    asked: dict[str, list[str]] = {"GET": [], "POST": []}
    for rule in current_app.url_map.iter_rules():
        declared = getattr(current_app.view_functions[rule.endpoint], "access", None)
        if declared and declared.permission == permission:
            for method in asked.keys() & (rule.methods or set()):
                asked[method].append("application" if declared.states else declared.level(method))
    return asked["POST"] or asked["GET"] or ["application"]
