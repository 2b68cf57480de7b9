"""The portal: the application and its command line."""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

import click
from dotenv import load_dotenv
from flask import Flask
from flask.cli import FlaskGroup
from flask_wtf import CSRFProtect
from htmx_flask import Htmx

import blueprints
from models.base import database, open_database
from services.clock import Clock, SystemClock
from services.settings import SettingMissing, Settings, read_settings


class Portal(Flask):
    """Flask with the two things that every request needs beside it."""

    settings: Settings
    clock: Clock


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Portal:
    if settings is None:
        load_dotenv()
        settings = _settings_or_exit()
    app = Portal(__name__, static_folder="static", template_folder="templates")
    app.settings, app.clock = settings, clock or SystemClock()
    app.config.update(_flask_config(settings))
    open_database(settings.database_url)
    _hold_connection_per_request(app)
    Htmx(app)
    blueprints.register(app)
    CSRFProtect(app)  # after the frame: its refusal is a page, which needs the request's clock and id
    _add_commands(app)
    return app


def _flask_config(settings: Settings) -> dict:
    secure = settings.secure_cookies
    return {
        "SECRET_KEY": settings.secret_key.reveal(),
        "SESSION_COOKIE_NAME": "__Host-portal" if secure else "portal",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "TRUSTED_HOSTS": settings.all_trusted_hosts,
        "MAX_CONTENT_LENGTH": 1_000_000,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_TRANSLATION_DIRECTORIES": os.path.join(os.path.dirname(os.path.abspath(__file__)), "translations"),
    }


def _hold_connection_per_request(app: Flask) -> None:
    @app.before_request
    def open_connection():
        if database.is_closed():
            database.connect()

    @app.teardown_request
    def close_connection(error):
        if not database.is_closed() and not database.in_transaction():
            database.close()


def _settings_or_exit() -> Settings:
    try:
        return read_settings()
    except SettingMissing as missing:
        sys.exit(str(missing))


def _add_commands(app: Portal) -> None:
    @app.cli.command("init")
    def init():
        """Create the database or bring it to this release."""
        from services import installation

        _say(lambda: installation.prepare(app.settings, app.clock), connected=False)
        _ready_or_exit(app)

    @app.cli.command("demo")
    def demo():
        """Make sample data once, and say how to sign in."""
        from services import demo as sample

        with database.connection_context():
            for line in sample.make(app.settings, app.clock):
                click.echo(line)

    @app.cli.command("serve")
    def serve():
        """Serve the portal with waitress."""
        from services import serving

        _ready_or_exit(app)
        serving.serve(app, **serving.options(app.settings))

    @app.cli.command("worker")
    @click.option("--once", is_flag=True, help="Do what is due now, then stop.")
    @click.option("--region", "names", multiple=True, help="Look after this region alone; may be repeated.")
    def worker(once: bool, names: tuple[str, ...]):
        """Make the storage services follow the database, measure use, send mails."""
        from services import worker as work

        _ready_or_exit(app)
        _say(lambda: work.run(app.settings, app.clock, once=once, names=names), connected=False)

    _add_looking(app)
    _add_keeping(app)
    app.cli.add_command(_operator_commands(app))


def _add_looking(app: Portal) -> None:
    """What somebody asks for once, or a nightly run."""

    @app.cli.command("sweep")
    @click.option(
        "--now", "time", metavar="TIME", help="As if it were this time, as 2027-01-31T00:30+01:00 (else UTC)."
    )
    @click.option("--keep", is_flag=True, help="With --now: keep what it does, without mails. Never in production.")
    def sweep(time: str | None, keep: bool):
        """Do what time brings about: contracts begin and end, what was kept for a while goes. With --now it is a drill:
        it says what would happen, and changes nothing."""
        from services import drill

        _say(lambda: drill.from_command(app.settings, app.clock, time, keep=keep))

    @app.cli.command("routes")
    @click.option("--access", is_flag=True, help="Show who may open each address.")
    def routes(access: bool):
        """List the addresses of the portal."""
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
            methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            click.echo(f"{methods:10} {rule.rule:60} {blueprints.who_may(app, rule) if access else rule.endpoint}")

    _add_check(app)


def _add_check(app: Portal) -> None:
    @app.cli.command("check")
    @click.option("--storage", is_flag=True, help="Ask the storage service too; needs its credentials, as the worker.")
    def check(storage: bool):
        """Ask whether every promise of the portal holds; ends with 1 and a line for each that does not."""
        from services import audit_role, promises_desk

        with database.connection_context():
            try:
                broken = 0
                for violation in promises_desk.ask(app.settings, app.clock, storage=storage):
                    click.echo(violation)
                    broken += 1
            except promises_desk.NotAsked as failure:
                raise click.ClickException(str(failure)) from failure
            end = f"every promise holds\n{audit_role.remark()}".strip()
        if broken:
            sys.exit(1)
        click.echo(end)


def _ready_or_exit(app: Portal) -> None:
    """What a process that works looks at first; it does not start on what it could not answer for."""
    from services import start_up

    _say(lambda: start_up.prepare(app.settings, app.clock))


def _say(work: Callable[[], Iterable[str] | None], *, connected: bool = True) -> None:
    """Prints line after line; a refusal is one sentence and exit status 1."""
    from services.command_line import NotDone
    from services.refusal import Refusal

    with database.connection_context() if connected else nullcontext():
        try:
            for line in work() or ():
                click.echo(line)
        except NotDone as failure:
            raise click.ClickException(str(failure)) from failure
        except Refusal as refused:
            raise click.ClickException(refused.text % refused.values) from refused


def _add_keeping(app: Portal) -> None:
    """What keeps the data: keys, backups, and the time after one was restored."""

    @app.cli.command("rekey")
    @click.option("--check", is_flag=True, help="Change nothing; ends with 1 while an older key is still needed.")
    @click.option("--forget", type=int, metavar="N", help="Clear the N values that no key opens; --check counts them.")
    def rekey(check: bool, forget: int | None):
        """Encrypt every stored secret anew with the newest data key, while the portal works."""
        from services import rekey as keys

        _say(lambda: keys.report(_act_of_command(app), app.settings, check=check, forget=forget))

    @app.cli.command("backup")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def backup(file: Path):
        """Copy the SQLite database to FILE while the portal works, and look through the copy."""
        from services import backup as copying

        _say(lambda: copying.make(app.settings, file, app.clock.now()))

    @app.cli.command("restored")
    @click.option("--end", metavar="REASON", help="End the mode, and say why.")
    @click.option("--anyway", is_flag=True, help="End it although a storage service was not compared since.")
    def restored(end: str | None, anyway: bool):
        """Begin the mode in which nothing is created or deleted on a storage service."""
        from services import restored_desk

        _say(lambda: restored_desk.from_command(_act_of_command(app), end, anyway=anyway))


def _act_of_command(app: Portal):
    from services.audit import Act

    return Act(at=app.clock.now(), actor_name="command line", source="cli")


def _operator_commands(app: Portal) -> click.Group:
    group = click.Group("operator", help="People of the provider.")

    @group.command("add")
    @click.argument("email")
    @click.option("--name", default="", help="The person's name; default: the part before the @.")
    @click.option("--right", default="owner", type=click.Choice(["support", "manager", "owner"]))
    def add(email: str, name: str, right: str):
        """Add an operator and print the one-time link with which they choose a password."""
        from services import operators

        known_as = name or email.partition("@")[0]
        _say(lambda: operators.add_from_command(app.settings, app.clock, email, known_as, right))

    return group


cli = FlaskGroup(
    create_app=create_app, help="The partner portal.", add_default_commands=False, add_version_option=False
)

if __name__ == "__main__":
    cli()
