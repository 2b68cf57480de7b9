"""The exact text of a document: its canonical bytes, its digest, and its face for the page."""

import unicodedata
from html.parser import HTMLParser

import pytest

from services.legal_text import KINDS, LANGUAGES, PLACEHOLDERS, canonical, digest, shipped, to_html

PROVIDER = {name: f"{name}@northern.example" for name in PLACEHOLDERS - {"binding_language"}}
DOCUMENTS = [(kind, language) for kind in KINDS for language in LANGUAGES]


class Elements(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


def test_the_provider_s_details_are_shown_as_they_are_and_addresses_are_links():
    provider = {
        **PROVIDER,
        "legal_entity": "Northern *Storage* [Nord] GmbH",
        "address": "Harbour Street 1\r\n20457 Hamburg",
        "console_address": "https://console.northern.example",
    }
    html = to_html(shipped("portal_terms", "en", provider).body)
    assert "Northern *Storage* [Nord] GmbH, Harbour Street 1, 20457 Hamburg." in html
    assert '<a href="mailto:support_address@northern.example">support_address@northern.example</a>' in html
    assert (
        '<a href="https://console.northern.example" rel="external noreferrer">https://console.northern.example</a>'
        in html
    )


def test_a_hostile_detail_of_the_provider_stays_text():
    hostile = {**PROVIDER, "provider_name": "<script>x</script> **A** [b](javascript:c) [[address]] \\"}
    html = to_html(shipped("flow_down", "en", hostile).body)
    assert "&lt;script&gt;x&lt;/script&gt; **A** [b](javascript:c) [[address]] \\" in html


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "a",
        "a \t\r\nb\r\rc\n\n\n",
        "\ufeffa",
        "u\u0308ber\u00a0\n",
        shipped("portal_terms", "de", PROVIDER).body,
    ],
)
def test_the_canonical_form_is_reached_once_and_for_all(text):
    once = canonical(text)
    assert canonical(once.decode()) == once
    assert once.endswith(b"\n") and not once.endswith(b"\n\n") and b"\r" not in once
    assert unicodedata.is_normalized("NFC", once.decode())
    assert not any(line.endswith((" ", "\t")) for line in once.decode().split("\n"))


def test_the_shipped_body_is_already_canonical():
    for kind, language in DOCUMENTS:
        body = shipped(kind, language, PROVIDER).body
        assert canonical(body) == body.encode()


def test_the_digest_is_that_of_the_canonical_bytes():
    # printf 'Grüße\\n' | sha256sum
    assert digest("Grüße\n") == "b1de61b8108f15d9913e0fa2e6371ed737fbe2be84e63a89ca8ae7a370322371"
    assert digest("Gru\u0308ße  \r\n\r\n") == digest("Grüße")
    assert digest("Grüße.") != digest("Grüße")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick='x'>b</b> <!-- c -->",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "[x](\x01javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example/)",
        "[x](https:evil.example)",
        "[x](https:///evil.example)",
        '[x](https://a.example" onclick="alert(1))',
        "[x]\n\n[x]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "<https://evil.example>",
        "![x](javascript:alert(1))",
        "```html\n<script>x</script>\n```",
        "> quote\n\n---\n\n| a | b |\n|---|---|\n| c | d |",
    ],
)
def test_hostile_or_foreign_markdown_comes_out_as_text(hostile):
    seen = Elements(to_html(hostile))
    assert seen.names() <= {"p"}
    assert all(attrs == {} for _, attrs in seen.tags)


def test_a_link_never_leads_to_another_host_by_a_trick_of_slashes():
    for address in ("/\\evil.example", "\\\\evil.example"):
        for href in Elements(to_html(f"[x]({address})")).values("href"):
            assert "\\" not in href and not href.startswith("//")


def test_links_may_be_web_mail_or_relative_and_only_web_links_hide_the_referrer():
    html = to_html(
        "[a](https://a.example/?q=1&r=2) [b](HTTP://b.example) [c](mailto:c@d.example) "
        "[d](/terms) [e](#section-1) [f](../x)"
    )
    links = [attrs for tag, attrs in Elements(html).tags if tag == "a"]
    assert [attrs["href"] for attrs in links][2:] == ["mailto:c@d.example", "/terms", "#section-1", "../x"]
    assert [attrs.get("rel") for attrs in links] == ["external noreferrer"] * 2 + [None, None, None, None]


def test_only_the_subset_is_rendered():
    html = to_html("# A\n\n## B\n\n### C\n\n#### D\n\n- *e* **f**\n- _g_ __h__\n\n3. i\n4. j")
    seen = Elements(html)
    assert seen.names() == {"h2", "h3", "ul", "ol", "li", "strong"}
    assert "*e* <strong>f</strong>" in html and "_g_ <strong>h</strong>" in html and '<ol start="3">' in html


def test_heading_ids_come_from_the_number_and_never_repeat():
    html = to_html("## 7. Keys\n\n### 7.1 First\n\n## Über uns\n\n## Über uns\n\n## Uber uns 2\n\n## 7. Keys")
    assert Elements(html).values("id") == [
        "section-7", "section-7-1", "section-uber-uns", "section-uber-uns-2", "section-uber-uns-2-2", "section-7-2",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_has_the_same_address_in_both_languages(kind):
    ids = [Elements(to_html(shipped(kind, language, PROVIDER).body)).values("id") for language in LANGUAGES]
    assert ids[0] == ids[1] and len(set(ids[0])) == len(ids[0]) > 5


@pytest.mark.parametrize(("kind", "language"), DOCUMENTS)
def test_the_page_keeps_its_own_first_heading(kind, language):
    assert Elements(to_html(shipped(kind, language, PROVIDER).body)).names() <= {
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "strong",
        "a",
    }


def test_web_links_go_where_they_are_led_and_carry_the_mark_behind_their_words():
    html = to_html(
        "[one](https://a.example/) and [two](/terms), [three](https://b.example/).", "/out?to={}".format, "<b>!</b>"
    )
    assert html == (
        '<p><a href="/out?to=https://a.example/" rel="external noreferrer">one<b>!</b></a> '
        'and <a href="/terms">two</a>, '
        '<a href="/out?to=https://b.example/" rel="external noreferrer">three<b>!</b></a>.</p>\n'
    )
