"""The shipped documents say, in both languages, everything that the terms rows T1 to T22 ask for."""

import re
from pathlib import Path

import pytest

from services import legal_text
from services.legal_text import KINDS, LANGUAGES, PLACEHOLDERS, shipped
from tests.services.legal_clauses import CLAUSES, NOT_THERE, PRIVACY, PROCESSING

PROVIDER = {
    "provider_name": "Northern Storage",
    "legal_entity": "Northern *Storage* [Nord] GmbH",
    "address": "Harbour Street 1\r\n20457 Hamburg",
    "support_address": "support_desk@northern.example",
    "privacy_address": "https://northern.example/privacy_policy",
    "security_address": "security@northern.example",
    "console_address": "https://console.northern.example",
}
DOCUMENTS = [(kind, language) for kind in KINDS for language in LANGUAGES]
FOLDER = Path(legal_text.__file__).resolve().parent.parent / "templates" / "legal"


def words_of_section(kind: str, language: str, number: int) -> str:
    found = re.search(
        rf"^## {number}\. (.*?)(?=^## |\Z)", shipped(kind, language, PROVIDER).body, re.MULTILINE | re.DOTALL
    )
    assert found, f"{kind}.{language} has no section {number}"
    return " ".join(found[1].replace("**", "").replace("\\", "").lower().split())


def headings(body: str) -> list[str]:
    return re.findall(r"^(#+ (?:\d+(?:\.\d+)*\.)?)", body, re.MULTILINE)


def test_every_clause_has_a_section():
    assert set(CLAUSES) == {f"T{number}" for number in range(1, 23)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_stands_in_its_section(clause, language):
    for kind, number, english, german in CLAUSES[clause]:
        section = words_of_section(kind, language, number)
        assert [word for word in (english if language == "en" else german) if word not in section] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "privacy_notice"])
def test_no_agreement_promises_what_the_portal_does_not_have(kind, language):
    text = (FOLDER / f"{kind}.{language}.md").read_text("utf-8").lower()
    assert [word for word in NOT_THERE if word in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", PRIVACY)
def test_the_privacy_notice_informs_of_what_the_regulation_names(number, language):
    section = words_of_section("privacy_notice", language, number)
    assert [word for word in PRIVACY[number][language == "de"] if word not in section] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", PROCESSING)
def test_the_processing_agreement_settles_what_the_regulation_asks_for(number, language):
    section = words_of_section("data_processing", language, number)
    assert [word for word in PROCESSING[number][language == "de"] if word not in section] == []


def test_the_privacy_notice_is_not_something_to_accept():
    assert "do not have to accept it" in shipped("privacy_notice", "en", PROVIDER).body
    assert "müssen sie nicht annehmen" in shipped("privacy_notice", "de", PROVIDER).body


@pytest.mark.parametrize(("kind", "language"), DOCUMENTS)
def test_every_placeholder_is_resolved(kind, language):
    text = shipped(kind, language, PROVIDER)
    assert "[[" not in text.body and "]]" not in text.body
    assert "Northern Storage" in text.body and r"Northern \*Storage\* \[Nord\] GmbH" in " ".join(text.body.split())
    assert (text.kind, text.language, text.label, text.binding) == (kind, language, "1.0", "en")
    assert text.title and text.title not in text.body.splitlines()[0]


def test_every_known_placeholder_is_used_and_every_used_one_is_known():
    used = {name for path in FOLDER.glob("*.md") for name in re.findall(r"\[\[(\w+)\]\]", path.read_text("utf-8"))}
    assert used == PLACEHOLDERS


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_have_the_same_shape(kind):
    english, german = (shipped(kind, language, PROVIDER).body for language in ("en", "de"))
    assert headings(english) == headings(german)
    assert [heading for heading in headings(english) if heading.startswith("## ")] == [
        f"## {number}." for number in range(1, len(headings(english)) + 1)
    ]
    blocks = [
        [block[:2] if block[:2] in ("##", "- ") else "" for block in body.split("\n\n")] for body in (english, german)
    ]
    assert blocks[0] == blocks[1]
    assert english.count("\n- ") == german.count("\n- ")


@pytest.mark.parametrize("kind", KINDS)
def test_both_languages_name_the_provider_s_details_equally_often(kind):
    counts = [
        sorted(re.findall(r"\[\[(\w+)\]\]", (FOLDER / f"{kind}.{language}.md").read_text("utf-8")))
        for language in LANGUAGES
    ]
    assert counts[0] == counts[1]


def test_the_binding_language_is_named_and_can_be_german():
    german = {**PROVIDER, "binding_language": "de"}
    for kind in KINDS:
        assert "The English text" in shipped(kind, "en", PROVIDER).body
        assert "die englische Fassung" in shipped(kind, "de", PROVIDER).body
        assert "The German text" in shipped(kind, "en", german).body
        assert "die deutsche Fassung" in shipped(kind, "de", german).body
        assert shipped(kind, "en", german).binding == "de"
    with pytest.raises(ValueError, match="binding language"):
        shipped("portal_terms", "en", {**PROVIDER, "binding_language": "fr"})


def test_an_unknown_placeholder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "flow_down.en.md").write_text("title: T\nlabel: 1.0\nlanguage: en\nbinding: en\n\nHello [[nobody]].\n")
    monkeypatch.setattr(legal_text, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match="nobody"):
        shipped("flow_down", "en", {**PROVIDER, "nobody": "x"})


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS - {"binding_language"}))
def test_a_missing_or_empty_detail_of_the_provider_is_refused(name):
    without = {key: value for key, value in PROVIDER.items() if key != name}
    for provider in (without, {**without, name: " \n "}):
        refusals = []
        for kind in KINDS:
            try:
                shipped(kind, "en", provider)
            except ValueError as refusal:
                refusals.append(str(refusal))
        assert any(name in text for text in refusals)


@pytest.mark.parametrize(
    ("kind", "language"), [("portal_terms", "fr"), ("price_list", "en"), ("../portal_terms", "en")]
)
def test_an_unknown_document_is_refused(kind, language):
    with pytest.raises(ValueError, match="no shipped document"):
        shipped(kind, language, PROVIDER)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_the_shipped_files_name_no_machine_person_or_place(path):
    text = path.read_text("utf-8")
    assert re.findall(r"https?:|www\.|@|/home/|/work|/tmp|localhost|\d+\.\d+\.\d+\.\d+", text) == []
    assert re.findall(r"\b(?:TODO|FIXME|lorem|Impossible|Wasabi)\b", text, re.IGNORECASE) == []
    head = [line.split(":")[0] for line in text.split("\n\n")[0].splitlines()]
    assert head == ["title", "label", "language", "binding"]
    assert f"language: {path.stem.rsplit('.', 1)[1]}\n" in text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.name)
def test_paragraphs_stay_short_enough_for_a_phone(path):
    blocks = path.read_text("utf-8").split("\n\n")
    assert [block[:60] for block in blocks if not block.startswith("- ") and len(block) > 700] == []
