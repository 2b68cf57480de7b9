"""Small pieces of pages that stand in every row of lists. Each is made once for equal values and then kept.

Templates use them as filters and through macros/parts.html. Whatever is put in is escaped; a text that is HTML already
(Markup) stays as it is, and the two are never taken for each other, because what is kept is kept by the escaped text.
"""

import functools
from datetime import date, datetime
from gettext import NullTranslations

from flask import Flask
from flask_babel import gettext as _
from markupsafe import Markup, escape

from blueprints import formats

KIND_ICONS = {"info": "info", "good": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}

ICON = Markup('<svg class="icon{}" aria-hidden="true"><use href="#icon-{}"/></svg>')
DOT = Markup(
    '<svg class="icon icon-small badge-dot" viewBox="0 0 24 24" aria-hidden="true">'
    '<circle cx="12" cy="12" r="5"/></svg>'
)
BADGE = Markup('<span class="badge badge-{}">{}{}</span>')
MEASURED = Markup('<time class="measured" datetime="{}" title="{}">{}</time>')
UNMEASURED = Markup('<span class="measured">{}</span>')
METER = Markup(
    '<span class="meter{over}"><span class="visually-hidden">{label}: </span>\n'
    '<svg class="meter-bar" width="100%" height="8" aria-hidden="true">'
    '<rect class="bar-free" width="100%" height="100%"/>'
    '<rect class="bar-used{bar_over}" width="{share}%" height="100%"/></svg>\n'
    '<span class="meter-text">{warning}{text}</span></span>'
)
OVER = {"over": " meter-over", "bar_over": " bar-over"}
WITHIN = {"over": "", "bar_over": ""}


@functools.lru_cache(maxsize=256)
def icon(name: str, css_class: str = "") -> Markup:
    """A picture of the sprite."""
    return ICON.format(f" {css_class}" if css_class else "", name)


def badge(text: str, kind: str = "neutral") -> Markup:
    """A state in a word. Kinds: neutral, info, good, warn, bad."""
    return _badge(escape(text), kind)


@functools.lru_cache(maxsize=1024)
def _badge(text: Markup, kind: str) -> Markup:
    return BADGE.format(kind, icon(KIND_ICONS[kind], "icon-small") if kind in KIND_ICONS else DOT, text)


@functools.lru_cache(maxsize=1024)
def worded_badge(translations: NullTranslations, text: str, kind: str) -> Markup:
    """A badge whose word is one of the product's own texts, to be translated."""
    return badge(translations.gettext(text), kind)


def with_amount(reader: formats.Reader, text: str, amount_bytes: int) -> str:
    """One of the product's own texts with `%(amount)s` in it, translated."""
    return _with_amount(reader.translations, reader.language, text, amount_bytes)


@functools.lru_cache(maxsize=8192)
def _with_amount(translations: NullTranslations, language: str, text: str, amount_bytes: int) -> str:
    return translations.gettext(text) % {"amount": formats.bytes_in(amount_bytes, language)}


def share(part: int, whole: int) -> float:
    """In percent with two decimals, at most 100. From whole bytes, so that no rounding error grows with a sum."""
    return min(part * 10000 // whole, 10000) / 100 if whole else 0


def meter(used_bytes: int, allocated_bytes: int, label: str) -> Markup:
    """The small bar of used and allocated, said in words beside it."""
    return meter_for(formats.reader(), used_bytes, allocated_bytes, escape(label))


def meter_for(reader: formats.Reader, used_bytes: int, allocated_bytes: int, label: Markup) -> Markup:
    return _meter(used_bytes, allocated_bytes, label, reader.translations, reader.language)


@functools.lru_cache(maxsize=8192)
def _meter(used_bytes: int, allocated_bytes: int, label: Markup, translations: NullTranslations, lang: str) -> Markup:
    over = used_bytes > allocated_bytes
    words = {"used": formats.bytes_in(used_bytes, lang), "allocated": formats.bytes_in(allocated_bytes, lang)}
    return METER.format(
        **(OVER if over else WITHIN),
        label=label,
        share=share(used_bytes, allocated_bytes or used_bytes),
        warning=icon("triangle-alert", "icon-small") if over else "",
        text=translations.gettext("%(used)s of %(allocated)s") % words,
    )


def measured(at: datetime | None) -> Markup:
    """When use was measured: today's times without the date."""
    return measured_for(formats.reader(), at)


def measured_for(reader: formats.Reader, at: datetime | None) -> Markup:
    return _measured(at, reader, reader.today) if at else UNMEASURED.format(_("not measured yet"))


@functools.lru_cache(maxsize=4096)
def _measured(at: datetime, reader: formats.Reader, today: date) -> Markup:
    said = reader.translations.gettext("measured %(when)s") % {"when": formats.moment_for(reader, at)}
    return MEASURED.format(at.isoformat(), at.strftime("%Y-%m-%d %H:%M:%S %Z"), said)


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(badge=badge, measured=measured, share=share)
    app.jinja_env.globals["pieces"] = {
        "icon": icon, "badge": badge, "meter": meter, "measured": measured, "share": share, "kind_icons": KIND_ICONS,
    }  # fmt: skip
