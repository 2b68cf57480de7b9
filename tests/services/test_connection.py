"""Ready text for S3 clients: complete, and harmless to paste whatever the pair looks like."""

import ast
import configparser
import shlex
import subprocess

from services.connection import SECRET_PLACE, Connection, snippets
from services.secret import Secret

ODD = "a/b+c='\"$(reboot)\\"
TO = Connection("123456789012", "https://s3.example.com:8333", "eu-1", "123456789012-main", "PPKEY")


def by_kind(secret=None, to=TO) -> dict[str, str]:
    return {snippet.kind: snippet.text for snippet in snippets(to, secret)}


def test_every_text_names_endpoint_region_bucket_and_key():
    for text in by_kind().values():
        for part in ("https://s3.example.com:8333", "eu-1", "123456789012-main", "PPKEY", "path"):
            assert part in text


def test_without_the_secret_a_placeholder_stands_there():
    assert all(SECRET_PLACE in text for text in by_kind().values())
    shown = by_kind(Secret("shown"))
    assert all("shown" in text and SECRET_PLACE not in text for text in shown.values())


def test_the_shell_runs_nothing_but_aws():
    lines = [line for line in by_kind(Secret(ODD))["aws-cli"].splitlines() if line]
    words = [shlex.split(line) for line in lines]
    assert all(line[0] == "aws" for line in words)
    assert ["aws", "configure", "set", "aws_secret_access_key", ODD, "--profile", "123456789012"] in words


def test_a_secret_with_a_hyphen_in_front_is_not_taken_for_an_option(tmp_path):
    """Run as pasted, with a stand-in for aws that refuses what the real one refuses."""
    text = by_kind(Secret("-abc'$(x)"))["aws-cli"]
    fake = tmp_path / "aws"
    fake.write_text('#!/bin/sh\n[ "$1" = configure ] && case "$4" in -*) exit 2;; esac; exit 0\n')
    fake.chmod(0o700)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-e", "-c", text], check=True, env=environment)
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read(tmp_path / ".aws" / "credentials")
    assert parsed["123456789012"]["aws_secret_access_key"] == "-abc'$(x)"


def test_the_python_text_is_python_and_the_secret_a_plain_text_in_it():
    tree = ast.parse(by_kind(Secret(ODD))["boto3"])
    assert ODD in [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


def test_the_rclone_text_is_a_configuration():
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(by_kind(Secret(ODD))["rclone"])
    assert parsed["123456789012"]["secret_access_key"] == ODD
    assert parsed["123456789012"]["force_path_style"] == "true"
