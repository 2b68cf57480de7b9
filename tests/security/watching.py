"""Looks for marked secrets wherever something is written down or sent."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from models.base import database


class Kept(logging.Handler):
    """Every line of every logger, as a file would have it, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass(frozen=True)
class Answer:
    """What one request brought."""

    method: str
    path: str
    status: int
    headers: str
    body: str


@dataclass
class Watch:
    """`marks`: by what it is, the secret. `answers`: everything that a browser got, in order."""

    log: Kept = field(default_factory=Kept)
    marks: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def mark(self, what: str, secret: str) -> str:
        assert len(secret) >= 12, f"{what} is too short to be found"
        self.marks[what] = secret
        return secret

    def browser(self, client):
        """The same client; whatever it gets is kept."""
        plain = client.open

        def open_and_keep(*args, **kwargs):
            answer = plain(*args, **kwargs)
            self.answers.append(
                Answer(
                    answer.request.method,
                    answer.request.full_path,
                    answer.status_code,
                    str(answer.headers),
                    answer.text,
                )
            )
            return answer

        client.open = open_and_keep
        return client

    def in_text(self, text: str) -> set[str]:
        return {what for what, secret in self.marks.items() if secret in text}

    def in_log(self) -> list[str]:
        return [f"{what}: {line[:300]}" for line in self.log.lines for what in self.in_text(line)]

    def in_tables(self) -> set[tuple[str, str]]:
        """What stands in which column."""
        found = set()
        for table in database.get_tables():
            cursor = database.execute_sql(f'SELECT * FROM "{table}"')  # noqa: S608 - own names
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    found |= {(what, f"{table}.{name}") for what in self.in_text(str(value))}
        return found

    def in_files(self, folder: Path) -> set[tuple[str, str]]:
        return {
            (what, path.name)
            for path in folder.rglob("*")
            if path.is_file()
            for what, secret in self.marks.items()
            if secret.encode() in path.read_bytes()
        }
