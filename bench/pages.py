"""Pages: processor time against the empty view, and statements sent."""

from bench.ground import Ground, processor_ms, queries
from tests import accounts

ROWS = 50
PAGES = (
    ("home", "/home", False),
    ("list of 50", "/sub-accounts", False),
    ("list of 50, partial", "/sub-accounts", True),
    ("board of 50", "/allocations/RCP-1001", False),
)


def measure(ground: Ground) -> list[dict]:
    accounts.many(ground.cast, ground.at, ROWS, allocated_bytes=10 * 10**9)
    client = ground.client_as(ground.cast.alice)

    def get(path: str, htmx: bool = False):
        response = client.get(path, htmx=htmx, check=False)
        assert response.status_code == 200, f"{path} answered {response.status_code}"

    empty_ms = processor_ms(lambda: get("/health"))
    rows = [{"what": "empty view", "ms": empty_ms, "ratio": 1.0, "queries": queries(lambda: get("/health"))}]
    for name, path, htmx in PAGES:
        ms = processor_ms(lambda path=path, htmx=htmx: get(path, htmx))
        count = queries(lambda path=path, htmx=htmx: get(path, htmx))
        rows.append({"what": name, "ms": ms, "ratio": ms / empty_ms, "queries": count})
    return rows
