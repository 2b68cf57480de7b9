"""Where the storage service is (STORAGE_URL) and how the worker signs in to it (a file that the worker alone is given).
Several services at once: see `region_file`.

    memory:                                       in this process, for tests and demonstrations
    seaweedfs://127.0.0.1:8333?admin=http://127.0.0.1:23646&public=https://s3.example.com&region=eu-1
    rgw://127.0.0.1:7480?admin=http://127.0.0.1:7480/admin&public=https://s3.example.com&region=default
    aws://eu-central-1                            Amazon's own, or what speaks as it does:
    aws://eu-central-1?s3=https://s3.internal&iam=https://iam.internal&public=https://s3.example.com

`seaweedfs+https` and `rgw+https`: the same with S3 spoken over TLS. Host and port: the S3 service as the worker reaches
it. `admin`: the admin service (of RGW by default `/admin` at host and port). `public`: the address that customers are
shown (default: host and port). `region`: the name that customers' programs sign with (default us-east-1).

The credentials file is JSON, to be readable by the worker alone (mode 0600); the last two are SeaweedFS's:

    {"access_key_id": "…", "secret_access_key": "…", "admin_user": "admin", "admin_password": "…"}
"""

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from services.secret import Secret
from services.storage.contract import Capabilities

OTHERS_MAY = 0o077  # whatever the group or everybody may do with a file

log = logging.getLogger("portal.worker")

DEFAULT_REGION = "us-east-1"
_OPTIONS = {
    "seaweedfs": {"admin", "public", "region"},
    "rgw": {"admin", "public", "region"},
    "aws": {"s3", "iam", "public"},
}

_FORMS = {
    "seaweedfs": "a host (seaweedfs://HOST:PORT?admin=http://HOST:PORT)",
    "rgw": "a host (rgw://HOST:PORT)",
    "aws": "the name of a region (aws://eu-central-1)",
}

SEAWEEDFS = Capabilities(
    key_import=True,
    key_inactive=True,
    last_used=False,
    hard_quota="delayed",
    quota_delay_seconds=3,  # measured: 1.2 s with one `enforce` a second; counting 10,000 objects adds as much again
    quota_scope="account",
    traffic=False,
    versions=False,
)
RGW = Capabilities(
    key_import=True,
    key_inactive=False,
    last_used=False,
    hard_quota="immediate",
    quota_delay_seconds=None,
    quota_scope="account",
    traffic=True,
    versions=True,
    read_only=True,
    bucket_names="account",
    customer_buckets=True,
    key_secret=True,
)
AWS = Capabilities(
    key_import=False,
    key_inactive=True,
    last_used=True,
    hard_quota="none",
    quota_delay_seconds=None,
    quota_scope="account",
    traffic=False,
    versions=False,
    max_keys=2,
)
MEMORY = Capabilities(
    key_import=True,
    key_inactive=True,
    last_used=False,
    hard_quota="immediate",
    quota_delay_seconds=None,
    quota_scope="account",
    traffic=False,
    versions=False,
)


@dataclass(frozen=True)
class Address:
    """What STORAGE_URL says: all that pages need to know, without credentials and without asking the service."""

    kind: Literal["memory", "seaweedfs", "rgw", "aws"]
    endpoint: str  # shown to customers
    region: str
    capabilities: Capabilities
    s3_url: str = ""
    admin_url: str = ""


@dataclass(frozen=True)
class Credentials:
    """Root pair of the S3 service, and where there is one the log-in of its admin service."""

    access_key_id: str
    secret_access_key: Secret
    admin_user: str = ""
    admin_password: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class Backend:
    """One region as it is configured. `credentials_file` is for the worker alone. `display_name` and `place` are for
    people; `iam_url` and `sts_url` are addresses that customers may use, where the provider offers such."""

    name: str
    address: Address
    credentials_file: Path | None = None
    display_name: str = ""
    place: str = ""
    iam_url: str = ""
    sts_url: str = ""
    closed: bool = False


def parse_address(url: str, named: str = "STORAGE_URL") -> Address:
    """Reads STORAGE_URL, or what is `named` otherwise. ValueError with one sentence when it cannot be understood."""
    try:
        return _parsed(url)
    except ValueError as failure:
        raise ValueError(f"{named} {failure}") from None


def _parsed(url: str) -> Address:
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return Address("memory", "https://s3.storage.example", DEFAULT_REGION, MEMORY)
    kind = parts.scheme.removesuffix("+https")
    if kind not in _OPTIONS or parts.scheme == "aws+https":
        raise ValueError(f"begins with {parts.scheme!r}; known are seaweedfs, rgw (both also +https), aws and memory")
    if parts.username or parts.password:
        raise ValueError("holds a user or password; these belong into the file that STORAGE_CREDENTIALS_FILE names")
    if "#" in url:
        raise ValueError("must not hold a #")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if unknown := set(options) - _OPTIONS[kind]:
        raise ValueError(f"has unknown options: {', '.join(sorted(unknown))}")
    if not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"needs {_FORMS[kind]} and no path")
    return _aws(parts, options) if kind == "aws" else _service(kind, parts, options)


def _service(kind: str, parts: SplitResult, options: dict[str, str]) -> Address:
    s3_url = f"{'https' if parts.scheme.endswith('https') else 'http'}://{parts.netloc}"
    region = options.get("region") or DEFAULT_REGION
    public = whole_address("public=", options.get("public", s3_url))
    if kind == "rgw":
        admin = whole_address("admin=", options.get("admin", f"{s3_url}/admin"))
        return Address("rgw", public, region, RGW, s3_url, admin)
    return Address("seaweedfs", public, region, SEAWEEDFS, s3_url, whole_address("admin=", options.get("admin", "")))


def _aws(parts: SplitResult, options: dict[str, str]) -> Address:
    region = parts.netloc
    s3_url = whole_address("s3=", options.get("s3", f"https://s3.{region}.amazonaws.com"))
    iam_url = whole_address("iam=", options.get("iam", "https://iam.amazonaws.com"))
    return Address("aws", whole_address("public=", options.get("public", s3_url)), region, AWS, s3_url, iam_url)


def whole_address(name: str, value: str) -> str:
    """The address without a / at its end. ValueError that begins with "needs", and never holds the value, unless it is
    one of http or https. It is shown to customers or logged, so nothing may be in it that could be a secret."""
    address = value.rstrip("/")
    parts = _split(address)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"needs {name} with a whole address that begins with http:// or https://")
    if "@" in parts.netloc or set("?#") & set(address):
        raise ValueError(f"needs {name} with an address that holds no user, password, ? or #")
    return address


def _split(address: str) -> SplitResult | None:
    """None where it cannot be read; what Python says of that may hold parts of it."""
    try:
        parts = urlsplit(address)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def read_credentials(path: str | Path) -> Credentials:
    """Reads the credentials file. ValueError with one sentence (never with its content) when that fails. A line in the
    log when others may read it too: the web process is not to have it (threats.md 27)."""
    try:
        with open(path, encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & OTHERS_MAY:
                log.warning("others than the worker may read the storage credentials in %s: give it mode 0600", path)
            values = json.loads(file.read())
        access_key_id, secret = str(values["access_key_id"]), Secret(str(values["secret_access_key"]))
        user, password = str(values.get("admin_user", "")), Secret(str(values.get("admin_password", "")))
    except OSError as failure:
        raise ValueError(f"cannot read the storage credentials in {path}: {failure.strerror}") from None
    except (ValueError, TypeError):
        raise ValueError(f"the storage credentials in {path} are not a JSON object") from None
    except KeyError as missing:
        raise ValueError(f"the storage credentials in {path} lack {missing}") from None
    return Credentials(access_key_id, secret, user, password)
