"""A list with 100,000 sub-accounts of one partner against the same page with 100: pages, search, the file."""

from pathlib import Path

from bench.ground import Ground, queries, wall_ms
from services import names
from tests import accounts

FEW, MANY = 100, 100_000
WORDS = ("Nord", "Süd", "Alpen", "Rhein", "Hafen", "Licht", "Stein", "Glas")
TRADES = ("Bau", "Druck", "Energie", "Handel", "Klinik", "Technik", "Verlag")
PAGES = (
    ("list", "/sub-accounts", False),
    ("list, later page", "/sub-accounts?after={half}", False),
    ("list by use", "/sub-accounts?sort=used", False),
    ("board", "/allocations/RCP-1001", False),
)
SEARCHES = (
    ("search, nobody", "zzzz"),
    ("search, one of all", "{last}"),
    ("search, a word of many", "rhein"),
    ("search, two words", "rheindruck 12"),
    ("search, everybody", "gmbh"),
    ("search, two letters", "gm"),
)


def measure(ground: Ground) -> list[dict]:
    """`ratio`: against the same page at FEW; of searches, which answer with rows alone, against the rows at FEW."""
    client, rows = ground.client_as(ground.cast.alice), []
    numbers = fill(ground, FEW)

    def ms(path: str, htmx: bool) -> float:
        return wall_ms(lambda: get(client, path, htmx), times=5)

    few = {name: ms(path.format(half=numbers[FEW // 2]), htmx) for name, path, htmx in PAGES}
    rows_few_ms = ms("/sub-accounts", True)
    for name, few_ms in few.items():
        rows.append({"what": f"{name} at {FEW}", "ms": few_ms, "ratio": 1.0})
    rows.append({"what": f"rows alone at {FEW}", "ms": rows_few_ms, "ratio": 1.0})
    numbers += fill(ground, MANY - FEW)
    ground.settle()
    for name, path, htmx in PAGES:
        at = path.format(half=numbers[MANY // 2])
        many_ms = ms(at, htmx)
        count = queries(lambda at=at, htmx=htmx: get(client, at, htmx))
        rows.append({"what": f"{name} at {MANY:,}", "ms": many_ms, "ratio": many_ms / few[name], "queries": count})
    for name, text in SEARCHES:
        path = f"/sub-accounts?q={text.format(last=MANY - 1)}"
        many_ms = ms(path, True)
        count = queries(lambda path=path: get(client, path, True))
        rows.append({"what": f"{name} at {MANY:,}", "ms": many_ms, "ratio": many_ms / rows_few_ms, "queries": count})
    return rows


def get(client, path: str, htmx: bool) -> None:
    response = client.get(path, htmx=htmx, check=False)
    assert response.status_code == 200, f"{path} answered {response.status_code}"


def fill(ground: Ground, how_many: int) -> list[str]:
    """Sub-accounts whose names share words, as those of customers do."""

    def named(n: int) -> dict[str, str]:
        name = f"{WORDS[n % 8]}{TRADES[n // 8 % 7].lower()} {WORDS[n // 56 % 8]} GmbH {n}"
        return {"name": name, "name_key": names.key(name)}

    return accounts.many(ground.cast, ground.at, how_many, each=named, allocated_bytes=10**9)


def export(ground: Ground) -> list[dict]:
    """The file of MANY rows, read as it comes. MB: resident memory over what it was before."""
    client = ground.client_as(ground.cast.alice)
    fill(ground, MANY)
    get(client, "/sub-accounts/export.csv?q=zzzz", False)
    before_mb, most_mb, size = resident_mb(), 0.0, 0

    def read() -> None:
        nonlocal most_mb, size
        response = client.get("/sub-accounts/export.csv", check=False, buffered=False)
        for piece in response.response:
            size += len(piece)
            if size // 2**20 != (size - len(piece)) // 2**20:
                most_mb = max(most_mb, resident_mb())
        response.close()

    count = queries(read)
    size = 0
    ms = wall_ms(read, times=1, runs=1)
    return [
        {
            "what": f"file of {MANY:,} rows", "ms": ms, "queries": count, "growth MB": most_mb - before_mb,
            "size MB": size / 2 / 10**6,
        }
    ]  # fmt: skip


def resident_mb(process: int | str = "self") -> float:
    """What the process holds in memory (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))
