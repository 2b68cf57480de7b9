"""The shipped documents say, in both languages, everything that the terms rows T1 to T22 ask for."""

import re
from pathlib import Path

import pytest

from services import legal_text
from services.legal_text import KINDS, LANGUAGES, PLACEHOLDERS, shipped

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

# Clause -> (document, section, what stands there in English, in German). Every word must stand in that very section.
CLAUSES = {
    "T1": [
        ("portal_terms", 1, ["using the portal means that you consent", "add to the agreement", "empty box"],
         ["mit der nutzung des portals stimmen sie", "ergänzen die vereinbarung", "häkchen"]),
    ],
    "T2": [
        ("portal_terms", 12, ["pass on", "every end user", "limits of liability", "reference number and date"],
         ["weitergeben", "jeden endnutzer", "haftungsgrenzen", "nummer und datum"]),
        ("flow_down", 2, ["resell", "export control"], ["weiterverkaufen", "exportkontroll"]),
        ("flow_down", 6, ["as it is and as available", "no warranty"], ["wie er ist", "keine eigene gewährleistung"]),
        ("flow_down", 7, ["gross negligence", "liability is then limited"],
         ["fahrlässigkeit", "haftung ist dann begrenzt"]),
    ],
    "T3": [("portal_terms", 13, ["fully responsible", "no rights to third parties"],
            ["voll verantwortlich", "dritten keine rechte"])],
    "T4": [("portal_terms", 3, ["limited", "non-transferable", "employees, contractors and agents", "never shared"],
            ["beschränktes", "nicht übertragbares", "angestellte, auftragnehmer und bevollmächtigte", "nie geteilt"])],
    "T5": [
        ("portal_terms", 14, ["change, suspend or end", "with or without notice", "consent to the updated feature"],
         ["ändern, aussetzen oder beenden", "mit oder ohne ankündigung", "stimmen sie der geänderten funktion zu"]),
        ("portal_terms", 15, ["silence is not acceptance", "publicly posted amendment", "continued use", "fresh click"],
         ["schweigen ist keine zustimmung", "öffentlich bekannt gemachte änderung", "weitere nutzung",
          "neue zustimmung"]),
    ],
    "T6": [("portal_terms", 16, ["notifications, instructions and regulations", "you follow"],
            ["mitteilungen, anweisungen und vorschriften", "sie befolgen"])],
    "T7": [("portal_terms", 4, ["monitor, collect, analyse and use your own data", "allocate storage", "resell",
             "time-sharing"],
            ["überwachen, zu sammeln, auszuwerten und zu verwenden", "speicher zuzuteilen", "weiterverkaufen",
             "time-sharing"])],
    "T8": [("portal_terms", 5, ["set up in steps", "authentic, precise, up to date and complete", "without delay"],
            ["in schritten eingerichtet", "echt, genau, aktuell und vollständig", "unverzüglich"])],
    "T9": [("portal_terms", 6, ["verify", "false, outdated or incomplete", "suspend or terminate", "refuse future use"],
            ["prüfen", "falsch, veraltet oder unvollständig", "sperren oder beenden", "künftige nutzung ablehnen"])],
    "T10": [("portal_terms", 7, ["personal and confidential", "you answer for everything"],
             ["persönlich und vertraulich", "sie haften für alles"])],
    "T11": [("portal_terms", 8, ["report it at once", "security@northern.example"],
             ["melden sie das sofort", "security@northern.example"])],
    "T12": [("portal_terms", 9, ["logs out", "end of each session"], ["meldet sich ab", "sitzung beendet"])],
    "T13": [("portal_terms", 10, ["initial key set", "keep a copy", "strongly recommend", "management console",
              "destroy our copy"],
             ["anfangsschlüssel", "bewahren eine kopie", "empfehlen dringend", "verwaltungskonsole",
              "vernichten wir unsere kopie"])],
    "T14": [("portal_terms", 11, ["freely", "reasonable extent", "fair use", "limit decreases"],
             ["frei", "angemessenem umfang", "fair use", "begrenzen"])],
    "T15": [("portal_terms", 17, ["third parties", "convenience", "no endorsement"],
             ["dritter", "bequemlichkeit", "keine empfehlung"])],
    "T16": [("portal_terms", 18, ["proprietary rights", "stay with us"], ["schutzrechte", "bleiben bei uns"])],
    "T17": [("portal_terms", 19, ["agreements, price sheets and business data", "confidential"],
             ["vereinbarungen, preisblätter und geschäftsdaten", "vertraulich"])],
    "T18": [
        ("portal_terms", 20, ["privacy notice", "submitting information you agree", "for your users",
          "not part of accepting"],
         ["datenschutzhinweise", "mit der übermittlung", "für ihre nutzer", "nicht teil der annahme"]),
        ("privacy_notice", 5, ["no requests to third parties", "cookies"], ["keine anfragen an dritte", "cookies"]),
    ],
    "T19": [("portal_terms", 23, ["active", "stop using", "revoke", "delete", "unless the law", "certificate"],
             ["aktiv", "stellen sie die nutzung", "entziehen", "löschen", "soweit uns das gesetz", "bescheinigung"])],
    "T20": [("portal_terms", 24, ["decommissioning", "support_desk@northern.example"],
             ["stilllegung", "support_desk@northern.example"])],
    "T21": [("portal_terms", 21, ["only remedy is to stop using it", "exported in open formats"],
             ["einziger rechtsbehelf", "nicht mehr zu nutzen", "offenen formaten exportieren"])],
    "T22": [("portal_terms", 25, ["date of last update", "archive"], ["datum der letzten aktualisierung", "archiv"])],
}  # fmt: skip

PRIVACY = {  # Articles 13 and 14 GDPR and the retention classes of the product
    1: (["controller", "privacy_policy"], ["verantwortlich", "privacy_policy"]),
    3: (["sign-up data", "log-in data", "ip address", "audit", "usage figures", "public registers"],
        ["registrierung", "anmeldung", "ip-adresse", "audit", "verbrauchswerte", "öffentlichen registern"]),
    4: (["article 6(1)(b)", "article 6(1)(f)", "legitimate interest", "separate consent"],
        ["artikel 6 absatz 1 buchstabe b", "artikel 6 absatz 1 buchstabe f", "berechtigtes interesse",
         "gesonderten einwilligung"]),
    6: (["distributor", "authorities", "article 28"], ["distributor", "behörden", "artikel 28"]),
    7: (["european economic area"], ["europäischen wirtschaftsraums"]),
    8: (["10 years", "8 years", "6 years", "12 months", "30 days", "90 days", "35 days"],
        ["10 jahre", "8 jahre", "6 jahre", "12 monate", "30 tage", "90 tage", "35 tagen"]),
    9: (["article 15", "article 16", "articles 17 and 18", "article 20", "article 21", "article 7(3)", "authority"],
        ["artikel 15", "artikel 16", "artikel 17 und 18", "artikel 20", "artikel 21", "artikel 7 absatz 3",
         "datenschutzbehörde"]),
    10: (["machine alone"], ["allein eine maschine"]),
}  # fmt: skip


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
@pytest.mark.parametrize("number", PRIVACY)
def test_the_privacy_notice_informs_of_what_the_regulation_names(number, language):
    section = words_of_section("privacy_notice", language, number)
    assert [word for word in PRIVACY[number][language == "de"] if word not in section] == []


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
