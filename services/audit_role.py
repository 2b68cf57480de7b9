"""Whether the role with which the portal works in Postgres could change the trail if the triggers were not there."""

from models.base import database, is_sqlite

KEPT = ("audit_event", "evidence")
ASKED = "SELECT has_table_privilege('{table}', 'UPDATE') OR has_table_privilege('{table}', 'DELETE')"


def remark() -> str:
    """A sentence for whoever runs the portal; empty where nothing is to be said. SQLite knows no roles."""
    if is_sqlite():
        return ""
    may = [table for table in KEPT if database.execute_sql(ASKED.format(table=table)).fetchone()[0]]
    if not may:
        return ""
    return (
        f"remark: the database role of this process may change {' and '.join(may)}; triggers hold it back."
        " deploy/postgres-role.sql makes one that may not (docs/audit.md)"
    )
