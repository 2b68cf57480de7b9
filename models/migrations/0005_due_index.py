"""The index of what is due holds the open rows alone: the worker asks twice a second, and would read all the settled
ones each time."""

INDEX = "sub_account_due_idx"
OPEN = f"""CREATE INDEX {INDEX} ON sub_account (region_id, next_attempt_at, id)
    WHERE phase NOT IN ('ready', 'suspended', 'deleted') OR observed_generation <> generation"""
ALL = f"CREATE INDEX {INDEX} ON sub_account (next_attempt_at)"


def up(migrator, db):
    db.execute_sql(f"DROP INDEX {INDEX}")
    db.execute_sql(OPEN)


def down(migrator, db):
    db.execute_sql(f"DROP INDEX {INDEX}")
    db.execute_sql(ALL)
