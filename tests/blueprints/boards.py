"""The board as tests use it: its form as a browser without scripts sends it, and what is saved."""

import re
import sqlite3
from contextlib import contextmanager

import psycopg

from models.base import database
from models.sub_account import SubAccount

TB, GB = 10**12, 10**9
BOARD = "/allocations/RCP-1001"


def form_of(page: str) -> dict[str, str]:
    """The board's fields as a browser without scripts would send them."""
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*name="(u-\d+)"[^>]*>(.*?)</select>', page, re.S):
        fields[name] = re.search(r"<option selected>(\w+)</option>", options)[1]
    return {name: value for name, value in fields.items() if re.match(r"[aus]-\d{12}$|version$|once$|batch$", name)}


def wish_for(browser, **amounts: str) -> dict[str, str]:
    """The board's form with new amounts, e.g. `wish_for(browser, **{account.number: "3 TB"})`."""
    fields = form_of(browser.get(BOARD).text)
    for number, amount in amounts.items():
        fields[f"a-{number}"] = amount
    return fields


@contextmanager
def locked_elsewhere(engine: str):
    """Another program holds what a save needs, for longer than a save waits."""
    if engine == "sqlite":
        other = sqlite3.connect(database.obj.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        database.execute_sql("PRAGMA busy_timeout = 50")
    else:
        other = psycopg.connect(**database.obj.connect_params, dbname=database.obj.database)
        other.execute("SELECT 1 FROM contract WHERE number = 'RCP-1001' FOR UPDATE")
        database.execute_sql("SET lock_timeout = '50ms'")
    try:
        yield
    finally:
        other.close()
        undo = "PRAGMA busy_timeout = 5000" if engine == "sqlite" else "SET lock_timeout = 0"
        database.execute_sql(undo)


def main_of(page: str) -> str:
    """What the page says, without what differs from request to request."""
    return re.sub(r"[0-9a-f]{16}", "", re.search(r"<main.*</main>", page, re.S)[0])


def saved(account: SubAccount) -> int:
    return SubAccount.get_by_id(account.id).allocated_bytes
