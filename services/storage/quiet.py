"""Keeps the libraries below the gateway from writing secrets into the log."""

import logging

_LOGGERS = ("boto3", "botocore", "s3transfer", "urllib3")


def quiet_loggers() -> None:
    """At DEBUG these libraries log response bodies and signatures: never below INFO, whatever the root logger says."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
