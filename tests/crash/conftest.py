"""The world in which the stories are told, and the table of who was killed where."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from services.site import Site
from services.storage.contract import Storage
from tests.crash.far_storage import FarStorage, storage_service
from tests.crash.lives import Lives, Story
from tests.crash.stories import CAPABILITIES, STORIES
from tests.services import invariants
from tests.services.ground import Ground

OTHERS = {"bank": "the bank", "noticed": "broken on purpose, and noticed"}
COLUMNS = ("points", "kills", "second_kills", "frozen", "violations")


@pytest.fixture
def ground(cast, settings, clock) -> Iterator[Ground]:
    """Whatever a test does on it, the promises hold afterwards."""
    ground = Ground(cast, settings, clock)
    yield ground
    invariants.check_books()
    for site in ground.sites:
        invariants.check_storage(site.storage, site.vault)


@pytest.fixture
def site(ground: Ground) -> Site:
    return ground.site()


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[FarStorage]:
    with storage_service(tmp_path_factory.mktemp("service")) as far:
        yield far


@pytest.fixture
def tell(db, settings, clock, service, tmp_path) -> Callable[[str], Story]:
    def story(name: str) -> Story:
        def gateway() -> Storage:
            return FarStorage(service.port)

        def empty() -> None:
            service.begin(page_objects=2, **CAPABILITIES.get(name, {}))

        return Story(Lives(settings, clock.now(), tmp_path, STORIES[name], gateway, empty), service)

    return story


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told, wrong, others = defaultdict(lambda: dict.fromkeys(COLUMNS, 0)), [], defaultdict(list)
    for reports in ("passed", "failed"):
        for report in terminalreporter.stats.get(reports, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "crash":
                    wrong += [f"{value['database']}, {value['story']}: {text}" for text in value["violations"]]
                    for column in COLUMNS:
                        value_here = value[column]
                        told[value["database"], value["story"]][column] += (
                            len(value_here) if column == "violations" else value_here
                        )
                elif name in OTHERS:
                    others[name].append(value)
    if told:
        terminalreporter.section("killed, and what held")
        _write(terminalreporter, told)
    for line in wrong:
        terminalreporter.write_line(line)
    for name, rows in others.items():
        terminalreporter.section(OTHERS[name])
        for row in rows:
            terminalreporter.write_line(", ".join(f"{key} {value}" for key, value in row.items()))


def _write(terminalreporter: pytest.TerminalReporter, told: dict) -> None:
    terminalreporter.write_line(f"{'database':<10}{'story':<17}" + "".join(f"{name:>13}" for name in COLUMNS))
    for database in sorted({database for database, _ in told}):
        rows = {story: row for (its, story), row in sorted(told.items()) if its == database}
        rows["together"] = {column: sum(row[column] for row in rows.values()) for column in COLUMNS}
        for story, row in rows.items():
            figures = "".join(f"{row[column]:>13}" for column in COLUMNS)
            terminalreporter.write_line(f"{database:<10}{story:<17}{figures}")
