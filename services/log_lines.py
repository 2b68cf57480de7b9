"""The log: one line of JSON for each thing that happened, on standard error, so in the journal (docs/security.md)."""

import json
import logging
import sys
from datetime import UTC, datetime

OWN = "portal"


class JsonLine(logging.Formatter):
    """Whatever a text holds (line breaks, colours of terminals, separators of Unicode), it stays one line of ASCII, so
    nobody writes a line of their own into the log (threats.md 24)."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def set_up() -> None:
    """For a process that serves or works: its own lines from INFO on, those of libraries from WARNING on. Where the log
    goes somewhere already, nothing is changed."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(logging.INFO)
