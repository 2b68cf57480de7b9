"""Commands about the data of one person, for whoever runs the portal (docs/retention.md)."""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from flask import current_app

from blueprints.own_data import bp
from models.base import database
from services import erasure_desk, own_data_person
from services.audit import Act
from services.command_line import NotDone
from services.refusal import Refusal


@bp.cli.command("subject-export")
@click.argument("email")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def subject_export(email: str, file: Path):
    """Write what the portal knows of the person EMAIL into a new ZIP (Art. 15 and 20 GDPR)."""
    say(lambda: own_data_person.from_command(act(), current_app.settings, email, file))


@bp.cli.command("erase-member")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_member(email: str, yes: bool):
    """Erase the person EMAIL of a partner for good (Art. 17 GDPR); its company stays."""
    if not yes:
        click.confirm(f"Erase {email} for good?", abort=True)
    say(lambda: erasure_desk.member_from_command(act(), current_app.settings, email))


def act() -> Act:
    return Act(at=current_app.clock.now(), actor_name="command line", source="cli")


def say(work: Callable[[], Iterable[str]]) -> None:
    """Prints line after line; a refusal is one sentence and exit status 1."""
    with database.connection_context():
        try:
            for line in work():
                click.echo(line)
        except NotDone as failure:
            raise click.ClickException(str(failure)) from failure
        except Refusal as refused:
            raise click.ClickException(refused.text % refused.values) from refused
