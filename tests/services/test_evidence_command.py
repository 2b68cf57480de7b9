"""`portal.py evidence`: a file is checked without the database, the whole chain with it."""

import pytest

from models.base import database
from services import evidence
from tests.evidence_ground import unguarded


@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["evidence", *map(str, words)])


def test_a_file_is_written_checked_and_a_changed_one_refused(run, cast, tmp_path):
    path = tmp_path / "evidence.zip"
    assert run("export", cast.northwind.id, path).exit_code == 0
    database.close()
    said = run("verify", path)
    assert said.exit_code == 0 and "Everything fits." in said.output
    assert database.is_closed(), "checking a file needs no database"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    said = run("verify", path)
    assert said.exit_code == 1 and "WRONG" in said.output
    database.connect(reuse_if_open=True)


def test_an_existing_file_is_not_overwritten_and_an_unknown_partner_is_named(run, cast, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(b"mine")
    assert "is there already" in run("export", cast.northwind.id, path).output
    assert path.read_bytes() == b"mine"
    said = run("export", 99_999, tmp_path / "other.zip")
    assert said.exit_code == 1 and "there is no partner with the number 99999" in said.output


def test_the_whole_chain_is_checked(run, cast):
    said = run("verify")
    assert said.exit_code == 0 and evidence.head().hash in said.output
    with unguarded():
        database.execute_sql("UPDATE evidence SET at = '2020-01-01 00:00:00.000000' WHERE number = 2")
    said = run("verify")
    assert said.exit_code == 1 and "evidence 2 was changed" in said.output
