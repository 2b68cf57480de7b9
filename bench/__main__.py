"""`python -m bench`: prints tables and writes them as JSON to the file named by --json."""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import lists, measuring, pages, process, saving
from bench.ground import Ground, ground

PARTS: dict[str, tuple[str, Callable[[Ground, int], list[dict]]]] = {
    "pages": ("ms of processor time, ratio to the empty view", lambda made, _requests: pages.measure(made)),
    "saving": (
        "ms of clock time, ratio to bare transaction and empty view together",
        lambda made, _requests: saving.measure(made),
    ),
    "lists": ("ms of clock time, ratio to the same at few", lambda made, _requests: lists.measure(made)),
    "export": ("the file of a whole list", lambda made, _requests: lists.export(made)),
    "measuring": (
        "accounts that one worker measures an hour, ratio to the calls alone, four at a time",
        lambda made, _requests: measuring.measure(made),
    ),
    "process": ("the web process", process.measure),
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench")
    arguments.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    arguments.add_argument("--part", choices=tuple(PARTS), action="append", help="only this one; may be repeated")
    arguments.add_argument("--requests", type=int, default=10_000, help="that the web process answers")
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    results = []
    for engine in ("sqlite", "postgres") if chosen.engine == "both" else (chosen.engine,):
        for part in chosen.part or PARTS:
            title, measure = PARTS[part]
            with ground(engine) as made:
                rows = measure(made, chosen.requests)
            show(f"{engine}: {title}", rows)
            results += [{"engine": engine, "part": part, **row} for row in rows]
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n")


def show(title: str, rows: list[dict]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "what"))
    print(f"\n{title}\n{'':34}{''.join(f'{name:>12}' for name in columns)}")
    for row in rows:
        print(f"{row['what']:34}{''.join(cells(row, columns))}", flush=True)


def cells(row: dict, columns: Iterable[str]) -> Iterable[str]:
    digits = {"ms": 2, "ratio": 1, "KB": 1}
    for name in columns:
        value = row.get(name, "")
        yield f"{value:12.{digits.get(name, 1)}f}" if isinstance(value, float) else f"{value:>12}"


if __name__ == "__main__":
    main()
