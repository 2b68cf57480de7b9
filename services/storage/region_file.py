"""Which regions there are: read from PORTAL_STORAGE_FILE, or the one that STORAGE_URL describes (docs/storage.md).

    [[region]]
    name = "north"                                  # what the portal calls it; never changed afterwards
    display_name = "North"                          # what people read; default: the name
    place = "Hamburg, Germany"
    url = "rgw://10.0.0.5:7480"                     # as STORAGE_URL
    endpoint = "https://s3.north.example.com"       # what customers put into their programs
    credentials_file = "/etc/portal/north.json"     # as STORAGE_CREDENTIALS_FILE; a relative one lies beside this file
    closed = false                                  # true: no new sub-accounts
    [region.options]                                # what could stand behind the ? of the url
    region = "default"

The file holds no secret: a field that could is unknown. Only the worker and the commands `init` and `check` read it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from services.command_line import NotDone
from services.settings import Settings
from services.storage.address import Address, Backend, parse_address, whole_address

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 40
LONGEST_TEXT = 80
NEEDED = ("name", "url")
TEXTS = ("display_name", "place", "endpoint", "credentials_file", "iam_url", "sts_url")
KNOWN = (*NEEDED, *TEXTS, "closed", "options")


class RegionsBroken(NotDone, ValueError):
    """The regions cannot be read; the text is one sentence that names the file and the region."""


def configured(settings: Settings) -> tuple[Backend, ...]:
    """All regions, in order of the file. Raises RegionsBroken. Opens no credentials file."""
    if settings.storage_file is not None:
        return read_region_file(settings.storage_file)
    try:
        address = parse_address(settings.storage_url)
    except ValueError as failure:
        raise RegionsBroken(str(failure)) from None
    return (Backend(settings.storage_region, address, settings.storage_credentials),)


def read_region_file(path: Path) -> tuple[Backend, ...]:
    """The regions of a file, at least one. Raises RegionsBroken."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as failure:
        raise RegionsBroken(f"cannot read the storage regions in {path}: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise RegionsBroken(f"cannot read the storage regions in {path}: it is not UTF-8") from None
    except tomllib.TOMLDecodeError as failure:
        raise RegionsBroken(f"the storage regions in {path} are not TOML: {failure}") from None
    if unknown := sorted(set(values) - {"region"}):
        raise RegionsBroken(f"{path} has unknown fields: {', '.join(unknown)}. Regions begin with [[region]].")
    tables = values.get("region", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise RegionsBroken(f"{path} holds no region: each begins with [[region]]")
    found = tuple(_read(path, number, table) for number, table in enumerate(tables, 1))
    _refuse_twice(path, found)
    return found


def _read(path: Path, number: int, table: Mapping[str, Any]) -> Backend:
    where = f"{path}, region {table['name']!r}" if isinstance(table.get("name"), str) else f"{path}, region {number}"
    try:
        return _backend(path, table)
    except ValueError as failure:
        raise RegionsBroken(f"{where}: {failure}") from None


def _backend(path: Path, table: Mapping[str, Any]) -> Backend:
    if unknown := sorted(set(table) - set(KNOWN)):
        raise ValueError(f"unknown fields: {', '.join(unknown)}")
    if missing := [name for name in NEEDED if not table.get(name)]:
        raise ValueError(f"missing fields: {', '.join(missing)}")
    texts = {name: _text(name, table.get(name, "")) for name in (*NEEDED, *TEXTS)}
    if not NAME.fullmatch(texts["name"]) or len(texts["name"]) > LONGEST_NAME:
        raise ValueError(f"name must be of a-z, 0-9 and '-', at most {LONGEST_NAME}")
    closed = table.get("closed", False)
    if not isinstance(closed, bool):
        raise ValueError("closed must be true or false")
    address = _address(texts, table.get("options", {}))
    credentials = texts["credentials_file"]
    if not credentials and address.kind != "memory":
        raise ValueError("missing fields: credentials_file")
    return Backend(
        name=texts["name"],
        address=address,
        credentials_file=path.parent / credentials if credentials else None,
        display_name=texts["display_name"],
        place=texts["place"],
        iam_url=_optional_address("iam_url", texts["iam_url"]),
        sts_url=_optional_address("sts_url", texts["sts_url"]),
        closed=closed,
    )


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text in quotes")
    if name in ("display_name", "place") and (len(value) > LONGEST_TEXT or not value.isprintable()):
        raise ValueError(f"{name} must be one line of at most {LONGEST_TEXT} characters")
    return value.strip()


def _address(texts: Mapping[str, str], options: Any) -> Address:
    url = texts["url"]
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise ValueError("options must be a table of texts")
    if options and ("?" in url or url.startswith("memory:")):
        raise ValueError("options belong behind the ? of the url or into a table, not both, and memory: has none")
    address = parse_address(f"{url}?{urlencode(options)}" if options else url, "url")
    if not texts["endpoint"]:
        return address
    if "public" in options or "public=" in url:
        raise ValueError("endpoint and the option public say the same: keep one")
    return replace(address, endpoint=_optional_address("endpoint", texts["endpoint"]))


def _optional_address(name: str, value: str) -> str:
    return whole_address(name, value) if value else ""


def _refuse_twice(path: Path, found: tuple[Backend, ...]) -> None:
    seen: set[str] = set()
    for backend in found:
        own = {backend.name.casefold(), (backend.display_name or backend.name).casefold()}
        if own & seen:
            raise RegionsBroken(f"{path}, region {backend.name!r}: an earlier region has its name or display_name")
        seen |= own
