"""What an account may do, as the managed policy that SeaweedFS keeps under the account's name.

The policy is also the account's memory: SeaweedFS has no place for a marker, a display name or a quota per account, but
it keeps a policy document word for word, over restarts too. So the whole wanted state is one document, replaced in one
call. Statements are told apart by `Sid`:

    portal-<base64url of JSON>   never-allowed actions; carries marker, display and quota
    suspended                    refuses everything, while the account is suspended
    buckets, read, write         what is allowed on the account's own buckets; no `write` while it is over its quota

Managed policies only: inline ones are folded into coarse rights, with which a customer could set a bucket policy.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

_CARRIER, _SUSPENDED, _BUCKETS, _READ, _WRITE = "portal-", "suspended", "buckets", "read", "write"
_ARN = "arn:aws:s3:::"

_NEVER = [
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",  # old versions would have to be counted and paid; see capability `versions`
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectAcl",
]
_ON_BUCKET = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
_ON_OBJECTS = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts"]
_TO_WRITE = ["s3:PutObject"]


@dataclass(frozen=True)
class Grant:
    """The state that the policy document stands for. `quota_bytes` None: no hard limit."""

    marker: str
    display: str
    quota_bytes: int | None
    suspended: bool = False
    writable: bool = True
    buckets: tuple[str, ...] = ()


def document(grant: Grant) -> dict[str, Any]:
    """The policy document of this state."""
    memory = {"marker": grant.marker, "display": grant.display, "quota_bytes": grant.quota_bytes}
    carrier = _CARRIER + base64.urlsafe_b64encode(json.dumps(memory, sort_keys=True).encode()).decode()
    statements = [_statement(carrier, "Deny", _NEVER, ["*"])]
    if grant.suspended:
        statements.append(_statement(_SUSPENDED, "Deny", ["*"], ["*"]))
    if grant.buckets:
        buckets = [_ARN + name for name in sorted(grant.buckets)]
        objects = [f"{arn}/*" for arn in buckets]
        statements.append(_statement(_BUCKETS, "Allow", _ON_BUCKET, buckets))
        statements.append(_statement(_READ, "Allow", _ON_OBJECTS, objects))
        if grant.writable:
            statements.append(_statement(_WRITE, "Allow", _TO_WRITE, objects))
    elif not grant.writable:
        statements.append(_statement(_READ, "Deny", _TO_WRITE, ["*"]))
    return {"Version": "2012-10-17", "Statement": statements}


def read_grant(found: dict[str, Any]) -> Grant | None:
    """The state behind a document; None when the portal did not write it."""
    statements = {str(one.get("Sid", "")): one for one in found.get("Statement") or []}
    carrier = next((sid for sid in statements if sid.startswith(_CARRIER)), None)
    if carrier is None:
        return None
    try:
        memory = json.loads(base64.urlsafe_b64decode(carrier.removeprefix(_CARRIER)))
        marker, display, quota_bytes = memory["marker"], memory["display"], memory["quota_bytes"]
    except (ValueError, TypeError, KeyError):
        return None
    arns = statements.get(_BUCKETS, {}).get("Resource", [])
    buckets = tuple(sorted(arn.removeprefix(_ARN) for arn in ([arns] if isinstance(arns, str) else arns)))
    writable = _WRITE in statements if buckets else statements.get(_READ) is None
    return Grant(marker, display, quota_bytes, _SUSPENDED in statements, writable, buckets)


def _statement(sid: str, effect: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": effect, "Action": actions, "Resource": resources}
