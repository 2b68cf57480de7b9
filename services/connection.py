"""How a customer's program reaches its storage: the facts, and ready text for common S3 clients (T13)."""

import json
import shlex
from dataclasses import dataclass

from models.sub_account import SubAccount
from services.secret import Secret

SECRET_PLACE = "YOUR-SECRET-KEY"  # noqa: S105 - what stands where the secret belongs, once it was shown
KEY_ID_PLACE = "YOUR-ACCESS-KEY"
DEFAULT_S3_REGION = "us-east-1"


@dataclass(frozen=True)
class Connection:
    """What a client needs besides the secret. Addresses are path style: endpoint/bucket/object."""

    number: str
    endpoint: str
    s3_region: str
    bucket: str
    access_key_id: str


@dataclass(frozen=True)
class Snippet:
    """Ready text for one program. `kind`: aws-cli, rclone or boto3."""

    kind: str
    title: str
    text: str


def of(account: SubAccount, access_key_id: str | None = None) -> Connection:
    """The connection of a sub-account whose region is loaded."""
    region = account.region
    s3_region = region.s3_region or DEFAULT_S3_REGION
    return Connection(account.number, region.endpoint, s3_region, account.main_bucket, access_key_id or KEY_ID_PLACE)


def snippets(connection: Connection, secret: Secret | None = None) -> list[Snippet]:
    """The texts, with the secret in them or with SECRET_PLACE where it belongs. What comes from outside is quoted for
    the shell or for Python, so that pasting runs nothing else."""
    shown = secret.reveal() if secret else SECRET_PLACE
    return [
        Snippet("aws-cli", "AWS CLI", _aws_cli(connection, shown)),
        Snippet("rclone", "rclone", _rclone(connection, shown)),
        Snippet("boto3", "Python (boto3)", _boto3(connection, shown)),
    ]


def _aws_cli(to: Connection, secret: str) -> str:
    pair = {"aws_access_key_id": to.access_key_id, "aws_secret_access_key": secret}
    settings = {"region": to.s3_region, "s3.addressing_style": "path"}
    call = f"aws --profile {to.number} --endpoint-url {shlex.quote(to.endpoint)} s3"
    uses = ["", f"{call} cp file.txt s3://{to.bucket}/", f"{call} ls s3://{to.bucket}/", ""]
    if not secret.startswith("-"):
        return "\n".join([*_aws_settings(to, pair | settings), *uses])
    # "aws configure set" takes a value with a hyphen in front for one of its options
    lines = [
        f"cat >> ~/.aws/credentials <<'END'\n[{to.number}]",
        *(f"{name} = {value}" for name, value in pair.items()),
    ]
    return "\n".join(["mkdir -p ~/.aws", *lines, "END", *_aws_settings(to, settings), *uses])


def _aws_settings(to: Connection, values: dict[str, str]) -> list[str]:
    return [f"aws configure set {name} {shlex.quote(value)} --profile {to.number}" for name, value in values.items()]


def _rclone(to: Connection, secret: str) -> str:
    lines = [
        f"[{to.number}]",
        "type = s3",
        "provider = Other",
        f"access_key_id = {to.access_key_id}",
        f"secret_access_key = {secret}",
        f"endpoint = {to.endpoint}",
        f"region = {to.s3_region}",
        "force_path_style = true",
        "no_check_bucket = true",
        "",
        f"# rclone copy file.txt {to.number}:{to.bucket}",
        "",
    ]
    return "\n".join(lines)


def _boto3(to: Connection, secret: str) -> str:
    def quoted(text: str) -> str:
        return json.dumps(text)

    lines = [
        "import boto3",
        "from botocore.config import Config",
        "",
        "s3 = boto3.client(",
        '    "s3",',
        f"    endpoint_url={quoted(to.endpoint)},",
        f"    region_name={quoted(to.s3_region)},",
        f"    aws_access_key_id={quoted(to.access_key_id)},",
        f"    aws_secret_access_key={quoted(secret)},",
        '    config=Config(s3={"addressing_style": "path"}),',
        ")",
        f's3.upload_file("file.txt", {quoted(to.bucket)}, "file.txt")',
        "",
    ]
    return "\n".join(lines)
