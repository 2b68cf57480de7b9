"""The archive of evidence: complete, checked without the portal, and one changed byte is found and named."""

import io
import json
import random
import subprocess
import sys
import zipfile

import pytest

from models.base import write_tx
from models.evidence import ConsentReceipt
from models.terms import Acceptance, TermsVersion
from services import consent, consent_receipts, consent_records, evidence, evidence_check, evidence_export
from tests.services.test_consent import SHOWN, publish


@pytest.fixture
def accepted(cast, clock, acting, settings):
    """A version accepted by Northwind, with its receipt, and one by Contoso behind it."""
    clock.advance(days=1)
    version = publish("portal_terms", "2.0", clock.now())
    for person in (cast.alice, cast.charlie):
        act = acting(person, user_agent="Firefox", request_id="r-1")
        agreed = [(version.id, version.sha256)]
        consent.accept(act, person, agreed, shown=SHOWN, declared_authority=True, settings=settings)
    return version


@pytest.fixture
def archive(accepted, cast, clock, settings):
    def making(partner=None):
        file = io.BytesIO()
        evidence_export.write(file, settings, partner or cast.northwind, clock.now())
        return file

    return making


def names(file):
    return zipfile.ZipFile(file).namelist()


def read(file, name):
    return zipfile.ZipFile(file).read(name)


def changed(file, change):
    """The archive made anew with other contents: name -> bytes, or None to leave a file out."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        contents = change({name: old.read(name) for name in old.namelist()})
        for name, content in contents.items():
            new.writestr(evidence_check.entry(name), content)
    return made


def listed_anew(contents):
    """As somebody would who changes a file and its entry in the list, too."""
    listed = {name: evidence_check.digest(content) for name, content in contents.items() if name != "manifest.json"}
    return contents | {"manifest.json": evidence_check.canonical(listed).encode()}


def test_it_holds_texts_records_receipts_the_chain_and_how_to_check_it(archive, accepted, cast, settings):
    file = archive()
    found = names(file)
    own = Acceptance.select().where(Acceptance.partner == cast.northwind)
    kinds = [json.loads(read(file, name))["kind"] for name in found if name.startswith("records/")]
    assert kinds.count("acceptance") == own.count() and kinds.count("receipt") == 1
    assert {"README.txt", "verify.py", "head.json", "chain.txt", "mails.json", "manifest.json"} <= set(found)
    assert read(file, "texts/portal_terms-2.0-en.txt").decode() == accepted.body
    head = evidence.head()
    assert json.loads(read(file, "head.json")) | {"number": head.number, "hash": head.hash} == json.loads(
        read(file, "head.json")
    )
    guide = read(file, "README.txt").decode()
    assert "How to check" in guide and "So prüfen Sie" in guide and settings.public_url in guide
    [mail] = json.loads(read(file, "mails.json"))
    assert mail["mail"]["recipient"] == cast.alice.email
    receipt = ConsentReceipt.get(ConsentReceipt.partner == cast.northwind)
    assert read(file, f"receipts/{receipt.id}.pdf") == bytes(receipt.file.content)


def test_nothing_of_another_partner_is_in_it(archive, cast):
    content = archive().getvalue()
    for word in (cast.charlie.name, cast.charlie.email, cast.contoso.legal_name):
        assert word.encode() not in content


def test_what_was_made_verifies_and_names_the_head(archive, cast, db):
    for partner in (cast.northwind, cast.contoso):
        right, lines = evidence_check.told(archive(partner))
        assert right and evidence.head().hash in "\n".join(lines)


def test_a_partner_without_records_gets_an_archive_that_verifies(archive, cast):
    partner = type(cast.northwind).create(**dict(cast.northwind.__data__) | {"id": None, "public_id": "new"})
    assert evidence_check.verify(archive(partner)) == []


def test_the_script_in_the_archive_checks_it_alone(archive, tmp_path):
    path = tmp_path / "evidence.zip"
    path.write_bytes(archive().getvalue())
    with zipfile.ZipFile(path) as opened:
        opened.extract("verify.py", tmp_path)
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and "Everything fits." in done.stdout
    content = bytearray(path.read_bytes())
    content[content.index(b"portal_terms 2.0 in en")] ^= 1
    path.write_bytes(content)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1 and "WRONG" in done.stdout


def test_one_changed_byte_anywhere_is_found(archive):
    content = archive().getvalue()
    chance = random.Random(4)
    places = {*chance.sample(range(len(content)), 250), *range(60), *range(len(content) - 60, len(content))}
    for place in sorted(places):
        spoiled = bytearray(content)
        spoiled[place] ^= 1
        assert evidence_check.verify(io.BytesIO(bytes(spoiled))), f"byte {place} of {len(content)}"
    assert evidence_check.verify(io.BytesIO(content + b"x"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("texts/portal_terms-2.0-en.txt", "the text that it speaks of is missing or was changed"),
        ("receipts/1.pdf", "the PDF receipt that it speaks of is missing or was changed"),
        ("chain.txt", "the chain does not lead to the head"),
        ("head.json", "the chain does not lead to the head"),
    ],
)
@pytest.mark.parametrize("how", ["only", "and listed"])
def test_a_changed_file_is_named_even_when_the_list_was_changed_with_it(archive, name, said, how):
    def change(contents):
        place = contents[name].rindex(b'hash":"') + 7 if name == "head.json" else len(contents[name]) - 2
        other = b"1" if contents[name][place : place + 1] == b"0" else b"0"
        contents[name] = contents[name][:place] + other + contents[name][place + 1 :]
        return listed_anew(contents) if how == "and listed" else contents

    wrong = evidence_check.verify(changed(archive(), change))
    assert any((said if how == "and listed" else f"{name} was changed") in sentence for sentence in wrong), wrong


@pytest.mark.parametrize("part", ["record", "personal"])
def test_a_changed_record_is_named_even_when_the_list_was_changed_with_it(archive, part):
    file = archive()
    name = next(name for name in names(file) if name.startswith("records/"))

    def change(contents):
        row = json.loads(contents[name])
        if part == "record":
            row["record"]["declared_authority"] = not row["record"]["declared_authority"]
        else:
            row["personal"]["values"]["member_name"] = "Somebody Else"
        return listed_anew(contents | {name: evidence_check.canonical(row).encode()})

    wrong = evidence_check.verify(changed(file, change))
    number = name.split("/")[1].removesuffix(".json")
    assert any(sentence.startswith(f"record {number}: its") for sentence in wrong), wrong


def test_a_record_rewritten_with_its_hash_does_not_fit_the_chain(archive):
    file = archive()
    name = next(name for name in names(file) if name.startswith("records/"))

    def change(contents):
        row = json.loads(contents[name])
        row["at"] = row["at"].replace("2026", "2025")
        row["hash"] = evidence_check.link(row["prev_hash"], evidence_check.content_digest(row))
        return listed_anew(contents | {name: evidence_check.canonical(row).encode()})

    assert any("is not the one in the chain" in wrong for wrong in evidence_check.verify(changed(file, change)))


def test_files_that_are_left_out_or_added_are_named(archive):
    def without(contents):
        return {name: content for name, content in contents.items() if name != "mails.json"}

    assert evidence_check.verify(changed(archive(), without)) == ["mails.json is missing"]
    added = evidence_check.verify(changed(archive(), lambda contents: contents | {"more.txt": b"x"}))
    assert added == ["more.txt is not listed in manifest.json"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_such_archive_is_refused_with_a_sentence(content):
    [wrong, *_more] = evidence_check.verify(io.BytesIO(content))
    assert wrong


def test_an_erased_record_verifies_and_is_named_as_erased(archive, cast, clock, acting):
    row = Acceptance.get(Acceptance.member == cast.alice)
    receipt = ConsentReceipt.get(ConsentReceipt.member == cast.alice)
    with write_tx():
        consent_records.erase(clock.now(), [row], "retention ended")
        consent_receipts.erase([receipt], acting(cast.olga), "retention ended")
    file = archive()
    right, lines = evidence_check.told(file)
    assert right and sum(line.startswith("personal part erased: record") for line in lines) == 2
    assert not [name for name in names(file) if name.startswith("receipts/")]


def test_a_personal_part_that_was_left_out_is_no_erasure(archive):
    file = archive()
    name = next(name for name in names(file) if name.startswith("records/"))

    def change(contents):
        row = json.loads(contents[name]) | {"personal": None}
        return listed_anew(contents | {name: evidence_check.canonical(row).encode()})

    assert any("no record says that it was erased" in wrong for wrong in evidence_check.verify(changed(file, change)))


def test_more_records_than_a_file_can_hold_are_refused(archive, cast, clock, settings, monkeypatch):
    monkeypatch.setattr(evidence_export, "MOST_RECORDS", 2)
    file = io.BytesIO()
    with pytest.raises(evidence_export.TooMuch):
        evidence_export.write(file, settings, cast.northwind, clock.now())
    assert file.getvalue() == b""


def test_the_texts_of_both_languages_are_in_it_when_both_were_accepted(
    archive, accepted, cast, clock, acting, settings
):
    clock.advance(days=1)
    german = publish("portal_terms", "3.0", clock.now(), "de")
    agreed = [(german.id, german.sha256)]
    consent.accept(acting(cast.alice), cast.alice, agreed, shown=SHOWN, declared_authority=True, settings=settings)
    found = names(archive())
    assert {"texts/portal_terms-2.0-en.txt", "texts/portal_terms-3.0-de.txt"} <= set(found)
    assert TermsVersion.select().count() > 2
