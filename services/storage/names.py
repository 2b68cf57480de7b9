"""Names that every S3 service accepts."""

import re

from services.storage.contract import StorageRefused

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def check_bucket_name(name: str) -> None:
    """StorageRefused unless 3 to 63 of a-z, 0-9 and '-', with a letter or digit at both ends (dots break TLS names)."""
    if not _BUCKET.fullmatch(name):
        raise StorageRefused(f"not a name for a bucket: {name!r}")
