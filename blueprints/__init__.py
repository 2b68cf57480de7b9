"""What people and programs see."""

from importlib import import_module

from flask import Flask
from werkzeug.routing import BaseConverter, Rule

from blueprints.whole_numbers import Id

AREAS = (
    "public",
    "language",
    "health",
    "auth",
    "prove",
    "second",
    "sso",
    "sso_log_in",
    "security",
    "meter",
    "sessions",
    "report",
    "signup",
    "terms",
    "evidence",
    "change_log",
    "activity",
    "own_data",
    "application",
    "company",
    "support",
    "team",
    "profile",
    "dashboard",
    "allocations",
    "sub_accounts",
    "console",
    "access_keys",
    "hand_over",
    "flow_down",
    "usage",
    "notices",
    "papers",
    "integrations",
    "outward",
    "brand",
    "leave",
    "change_requests",
    "admin",
)
FRAME = (
    "headers",
    "formats",
    "pieces",
    "others_pages",
    "access",
    "bodies",
    "now_closed",
    "proving",
    "errors",
    "navigation",
    "trail",
)


class AccountNumber(BaseConverter):
    """The 12 digits of a sub-account."""

    regex = "[0-9]{12}"


class Name(BaseConverter):
    """A short word in an address: a contract's number, a kind of document, a version's label."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class Token(BaseConverter):
    """What a one-time link carries."""

    regex = "[A-Za-z0-9_-]{20,100}"


def register(app: Flask) -> None:
    app.url_map.converters.update(account=AccountNumber, int=Id, name=Name, token=Token)
    for name in FRAME:
        import_module(f"blueprints.{name}").init_app(app)
    for area in AREAS:
        app.register_blueprint(import_module(f"blueprints.{area}").bp)


def who_may(app: Flask, rule: Rule) -> str:
    """Who opens an address, in a word, for the command line."""
    view = app.view_functions[rule.endpoint]
    declared = getattr(view, "access", None)
    if rule.endpoint == "static" or (declared and declared.open_to_all):
        return "everyone"
    if declared and declared.console:
        return "customers signed in to the console"
    if declared is None:
        return "nobody: the endpoint declares nothing"
    return str(declared.permission) if declared.permission else "everyone signed in"
