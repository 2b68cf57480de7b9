"""Brings the database to the tables that this release needs."""

import logging
from pathlib import Path

from playhouse.migrations import Runner

from models.base import database

DIRECTORY = Path(__file__).parent / "migrations"


def runner() -> Runner:
    return Runner(database.obj, str(DIRECTORY))


def migrate() -> list[str]:
    """Applies what is missing, in order, each in its own transaction; returns the names."""
    with database.connection_context():
        applied = runner().up()
    for name in applied:
        logging.getLogger("portal.schema").info("applied %s", name)
    return applied
