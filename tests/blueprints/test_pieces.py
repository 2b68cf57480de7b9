"""Pieces that are made once and kept: what people typed stays text, and two readers never share what differs."""

import pytest
from flask import render_template_string
from markupsafe import Markup

from blueprints import pieces

PARTS = '{% import "macros/parts.html" as parts %}'


@pytest.fixture
def render(app, client):
    """`render("{{ 1 }}", language="de")` -> what a page of a visitor with that language would say."""

    def rendered(template: str, language: str = "en", **values) -> str:
        with app.test_request_context(headers={"Accept-Language": language}):
            app.preprocess_request()
            return render_template_string(PARTS + template, **values)

    return rendered


def test_a_text_of_people_is_escaped_even_after_the_same_text_as_html(render):
    text = "<b>Müller & Co</b>"
    assert text in render("{{ parts.badge(text) }}", text=Markup(text))  # noqa: S704 - the trap that this test is about
    for place in ("{{ parts.badge(text) }}", "{{ parts.meter(1, 2, text) }}"):
        assert "&lt;b&gt;Müller &amp; Co&lt;/b&gt;" in render(place, text=text)


def test_a_badge_has_the_picture_of_its_kind(render):
    assert 'href="#icon-circle-check"' in render('{{ parts.badge("Active", "good") }}')
    assert "badge-dot" in render('{{ parts.badge("Paused") }}')


def test_words_and_figures_follow_the_reader(render):
    meter = '{{ parts.meter(1500 * 10**9, 2 * 10**12, "x") }}'
    assert "1.5\u00a0TB of 2\u00a0TB" in render(meter)
    assert "1,5\u00a0TB von 2\u00a0TB" in render(meter, "de")
    assert "not measured yet" in render("{{ parts.measured(none) }}")
    assert "not measured yet" not in render("{{ parts.measured(none) }}", "de")


def test_a_time_of_today_has_no_date_until_tomorrow(render, clock):
    at = clock.now()
    assert ">measured 10:00<" in render("{{ parts.measured(at) }}", at=at)
    clock.advance(days=1)
    assert ">measured 2 Mar 2026, 10:00<" in render("{{ parts.measured(at) }}", at=at)


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [(1, 3, 33.33), (0, 5, 0), (5, 5, 100), (7, 5, 100), (5, 0, 0), (10**18, 10**18 + 1, 99.99)],
)
def test_a_share_is_counted_in_whole_bytes(part, whole, percent):
    assert pieces.share(part, whole) == percent


def test_a_text_without_values_and_one_with_them_are_escaped_like_jinja_s_own(render):
    assert render('{{ _("100 %% of %(what)s", what="<i>") }}') == "100 % of &lt;i&gt;"
    assert render('{{ _("85 %% or more") }}') == "85 % or more"
    assert render('{{ ngettext("%(num)s of %(x)s", "%(num)s of %(x)s", 2, x="<i>") }}') == "2 of &lt;i&gt;"
    assert render("{% trans %}a < b{% endtrans %}") == "a < b"
    assert render('{% autoescape false %}{{ _("for %(what)s", what="<i>") }}{% endautoescape %}') == "for <i>"
