"""`python -m bench`: prints a table and writes it as JSON to the file named by --json."""

import argparse
import json
from pathlib import Path

from bench import pages, saving
from bench.ground import ground


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench")
    arguments.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    arguments.add_argument("--json", type=Path)
    chosen = arguments.parse_args()
    results = []
    for engine in ("sqlite", "postgres") if chosen.engine == "both" else (chosen.engine,):
        for part, unit, against in (
            (pages, "processor", "the empty view"),
            (saving, "clock", "bare transaction and empty view together"),
        ):
            with ground(engine) as made:
                rows = part.measure(made)
            show(f"{engine}: ms of {unit} time, ratio to {against}", rows)
            results += [{"engine": engine, "unit": unit, **row} for row in rows]
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n")


def show(title: str, rows: list[dict]) -> None:
    print(f"\n{title}\n{'':28}{'ms':>9}{'ratio':>8}{'queries':>9}")
    for row in rows:
        print(f"{row['what']:28}{row['ms']:9.2f}{row['ratio']:8.1f}{row['queries']:9}")


if __name__ == "__main__":
    main()
