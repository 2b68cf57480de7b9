"""Questions that every page asks: their SQL is built once, because building it takes longer than the answer."""

import copy
import functools
from collections.abc import Callable

from peewee import Node

from models.base import database, is_sqlite


class Blank(Node):
    """A place in a question that each asking fills. A value that is compared with a column is written as that column
    writes its values; `convert` says how where there is no column beside it."""

    def __init__(self, name: str, convert: Callable | None = None):
        self.name, self.convert = name, convert

    def __sql__(self, ctx):
        return ctx.value(_Place(self.name, self.convert or ctx.state.converter), converter=False)


class _Place:
    def __init__(self, name: str, convert: Callable | None):
        self.name, self.convert = name, convert

    def filled(self, values: dict):
        value = values[self.name]
        return self.convert(value) if self.convert else value


class _Ready:
    """A built question: its SQL, and how its rows are read, found out from the first answer."""

    def __init__(self, query):
        self.query = query
        self.sql, self.parameters = query.sql()
        self.reader = None

    def rows(self, values: dict) -> list:
        filled = [part.filled(values) if isinstance(part, _Place) else part for part in self.parameters]
        cursor = database.execute_sql(self.sql, filled)
        if self.reader is None:
            found = self.query._get_cursor_wrapper(cursor)
            found.fill_cache()
            if found.initialized:
                self.reader = _emptied(found)
            return found.row_cache
        found = _emptied(self.reader)
        found.cursor = cursor
        found.fill_cache()
        return found.row_cache


def _emptied(reader):
    """The reader as it was before its first row, with all that it knows of the columns."""
    fresh = copy.copy(reader)
    fresh.cursor, fresh.row_cache, fresh.count, fresh.index, fresh.populated = None, [], 0, 0, False
    return fresh


@functools.lru_cache(maxsize=1024)
def _ready(build: Callable, shape: tuple, on_sqlite: bool) -> _Ready:
    return _Ready(build(*shape))


def ask(build: Callable, *shape, **values) -> list:
    """The rows of the query that `build(*shape)` makes, its blanks filled with `values`. `shape` is what changes the
    SQL itself; there are few of each kind. `build` is a function of a module: the query is kept under it."""
    return _ready(build, shape, is_sqlite()).rows(values)


def ask_one(build: Callable, *shape, **values):
    """The first row or None."""
    found = ask(build, *shape, **values)
    return found[0] if found else None
