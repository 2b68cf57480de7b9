"""What an account may do on an AWS-style service, and what its user's tags remember.

Allowed are listed actions on the account's own buckets, with lasting keys only: temporary credentials, which every user
can fetch for itself, would outlive the key that they came from. The list of all buckets is not allowed: it would name
other customers. An inline policy lives and dies with its user; all of a user's together hold 2048 characters, which is
about 15 buckets.
"""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

ACCESS, SUSPENDED = "portal-access", "portal-suspended"
PATH = "/portal/"
MARKER, DISPLAY, QUOTA, MAKING = "portal-marker", "portal-display", "portal-quota-bytes", "portal-making"
BUCKET_OWNER = "portal-account"

_ARN = "arn:aws:s3:::"
_ON_BUCKET = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
_ON_OBJECTS = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
]
_NO_LIMIT = "none"
_LONGEST_TAG = 256
_UNTAGGABLE = re.compile(r"[^\w .:/+@-]")  # what tags do not take, and the sign that escapes


def access(buckets: tuple[str, ...]) -> str:
    """The policy document for these buckets; there is at least one."""
    lasting = {"Null": {"aws:TokenIssueTime": "true"}}
    arns = [_ARN + name for name in sorted(buckets)]
    return _document(
        {"Sid": "buckets", "Effect": "Allow", "Action": _ON_BUCKET, "Resource": arns, "Condition": lasting},
        {
            "Sid": "objects",
            "Effect": "Allow",
            "Action": _ON_OBJECTS,
            "Resource": [f"{arn}/*" for arn in arns],
            "Condition": lasting,
        },
    )


def suspension() -> str:
    """The policy document that refuses everything."""
    return _document({"Sid": "suspended", "Effect": "Deny", "Action": "*", "Resource": "*"})


def buckets_of(document: dict[str, Any]) -> tuple[str, ...]:
    """The buckets that an access policy is about."""
    statements = document.get("Statement", [])
    arns: list[str] | str = next((one.get("Resource", []) for one in statements if one.get("Sid") == "buckets"), [])
    return tuple(sorted(arn.removeprefix(_ARN) for arn in ([arns] if isinstance(arns, str) else arns)))


def tags(values: dict[str, str]) -> list[dict[str, str]]:
    """In the form that the service takes."""
    return [{"Key": name, "Value": value} for name, value in values.items()]


def state(marker: str, display: str, quota_bytes: int | None) -> dict[str, str]:
    """The tags of an account."""
    return {MARKER: marker, DISPLAY: _tag_text(display), QUOTA: quota_text(quota_bytes)}


def quota_text(quota_bytes: int | None) -> str:
    return _NO_LIMIT if quota_bytes is None else str(quota_bytes)


def quota_of(found: dict[str, str]) -> int | None:
    text = found.get(QUOTA, _NO_LIMIT)
    return int(text) if text.isdecimal() else None


def display_of(found: dict[str, str]) -> str:
    return unquote_to_bytes(found.get(DISPLAY, "").replace("=", "%")).decode(errors="replace")


def _tag_text(text: str) -> str:
    """Tags take letters of all scripts, digits and few other signs: the rest is written as =XX. What is too long for a
    tag is cut between two signs."""
    written = ""
    for sign in text:
        piece = "".join(f"={byte:02X}" for byte in sign.encode()) if _UNTAGGABLE.match(sign) else sign
        if len(written) + len(piece) > _LONGEST_TAG:
            break
        written += piece
    return written


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))
