"""Stores objects as a customer's program would, so that sample data have use that can be measured."""

import secrets

from services.secret import Secret
from services.storage.contract import CONNECT_SECONDS, READ_SECONDS
from services.storage.quiet import quiet_loggers

PIECE_BYTES = 20 * 10**6


def store(endpoint: str, region: str, bucket: str, key_id: str, secret: Secret, total_bytes: int) -> None:
    """Puts objects of together `total_bytes` into the bucket with the customer's key. Raises botocore's errors."""
    import boto3
    from botocore.config import Config

    quiet_loggers()
    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, s3={"addressing_style": "path"})
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret.reveal(),
        config=config,
    )
    piece, number = secrets.token_bytes(PIECE_BYTES), 0
    while total_bytes > 0:
        number += 1
        client.put_object(Bucket=bucket, Key=f"backup/part-{number:03}", Body=piece[:total_bytes])
        total_bytes -= PIECE_BYTES
