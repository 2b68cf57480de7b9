"""Where the storage service is (STORAGE_URL) and how the worker signs in to it (a file that the worker alone is given).

    memory:                                       in this process, for tests and demonstrations
    seaweedfs://127.0.0.1:8333?admin=http://127.0.0.1:23646&public=https://s3.example.com&region=eu-1
    seaweedfs+https://s3.internal:443?admin=…     the same, S3 spoken over TLS

Host and port: the S3 service as the worker reaches it. `admin`: the admin HTTP service. `public`: the address that
customers are shown (default: host and port). `region`: the name that customers' programs sign with (default us-east-1).

The credentials file is JSON, to be readable by the worker alone (mode 0600):

    {"access_key_id": "…", "secret_access_key": "…", "admin_user": "admin", "admin_password": "…"}
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from services.secret import Secret
from services.storage.contract import Capabilities

DEFAULT_REGION = "us-east-1"
_OPTIONS = {"admin", "public", "region"}

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

    kind: Literal["memory", "seaweedfs"]
    endpoint: str  # shown to customers
    region: str
    capabilities: Capabilities
    s3_url: str = ""
    admin_url: str = ""


@dataclass(frozen=True)
class Credentials:
    """Root pair of the S3 service and log-in of its admin service."""

    access_key_id: str
    secret_access_key: Secret
    admin_user: str
    admin_password: Secret


def parse_address(url: str) -> Address:
    """Reads STORAGE_URL. ValueError with one sentence when it cannot be understood."""
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return Address("memory", "https://s3.storage.example", DEFAULT_REGION, MEMORY)
    if parts.scheme not in ("seaweedfs", "seaweedfs+https"):
        raise ValueError(f"STORAGE_URL begins with {parts.scheme!r}; known are seaweedfs, seaweedfs+https and memory")
    if parts.username or parts.password:
        raise ValueError("STORAGE_URL holds a user or password; these belong into STORAGE_CREDENTIALS_FILE")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if unknown := set(options) - _OPTIONS:
        raise ValueError(f"STORAGE_URL has unknown options: {', '.join(sorted(unknown))}")
    if not parts.hostname or parts.path.strip("/"):
        raise ValueError("STORAGE_URL needs a host and no path: seaweedfs://HOST:PORT?admin=http://HOST:PORT")
    s3_url = f"{'https' if parts.scheme.endswith('https') else 'http'}://{parts.netloc}"
    public, admin = options.get("public", s3_url).rstrip("/"), options.get("admin", "").rstrip("/")
    for name, value in (("admin", admin), ("public", public)):
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError(f"STORAGE_URL needs {name}= with a whole address that begins with http:// or https://")
    return Address("seaweedfs", public, options.get("region") or DEFAULT_REGION, SEAWEEDFS, s3_url, admin)


def read_credentials(path: str | Path) -> Credentials:
    """Reads the credentials file. ValueError with one sentence (never with its content) when that fails."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        found = {
            name: str(values[name]) for name in ("access_key_id", "secret_access_key", "admin_user", "admin_password")
        }
    except OSError as failure:
        raise ValueError(f"cannot read the storage credentials in {path}: {failure.strerror}") from None
    except (ValueError, TypeError):
        raise ValueError(f"the storage credentials in {path} are not a JSON object") from None
    except KeyError as missing:
        raise ValueError(f"the storage credentials in {path} lack {missing}") from None
    return Credentials(
        found["access_key_id"],
        Secret(found["secret_access_key"]),
        found["admin_user"],
        Secret(found["admin_password"]),
    )
