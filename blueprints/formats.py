"""How values are written for the reader: language, zone, capacity, dates, money, names of countries."""

import functools
import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from flask import Flask, current_app, g, request, session, url_for
from flask_babel import Babel, get_locale, get_translations
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from blueprints.access import viewer
from services import capacity
from services.clock import day_that_ends

# English pages write dates and numbers as is usual in Europe: 24 Nov 2026, 14:05
NOTATIONS = {"en": "en_150"}


def chosen_locale() -> str:
    """The person's choice, else this browser's choice here, else what the browser asks for."""
    known = current_app.settings.locales
    if viewer and viewer.is_authenticated and viewer.person.locale in known:
        return viewer.person.locale
    if session.get("language") in known:
        return session["language"]
    return request.accept_languages.best_match(known) or known[0]


def chosen_zone() -> str:
    if viewer and viewer.is_authenticated:
        return viewer.person.time_zone
    return current_app.settings.provider.time_zone


@dataclass(frozen=True)
class Reader:
    """For whom this request writes. Found out once: a page of 50 rows asks some thousand times."""

    language: str
    notation: str
    zone: ZoneInfo
    translations: NullTranslations

    @functools.cached_property
    def today(self) -> date:
        return g.clock.now().astimezone(self.zone).date()


def reader() -> Reader:
    known = g.get("reader")
    if known is None:
        code = str(get_locale() or "en")
        g.reader = known = Reader(code, NOTATIONS.get(code, code), ZoneInfo(chosen_zone()), get_translations())
    return known


def language() -> str:
    return reader().language


def bytes_text(amount_bytes: int) -> str:
    return bytes_in(amount_bytes, reader().language)


def exact_bytes(amount_bytes: int) -> str:
    return _exact_bytes(amount_bytes, reader().language)


def when(at: datetime | None) -> str:
    if at is None:
        return ""
    local = at.astimezone(reader().zone)
    return f"{_day(local.date(), reader().notation)}, {_minute(local.hour, local.minute, reader().notation)}"


def moment(at: datetime) -> str:
    """Today's times without the date."""
    return moment_for(reader(), at)


def moment_for(known: Reader, at: datetime) -> str:
    local = at.astimezone(known.zone)
    minute = _minute(local.hour, local.minute, known.notation)
    return minute if local.date() == known.today else f"{_day(local.date(), known.notation)}, {minute}"


def day(on: date | None) -> str:
    return _day(on, reader().notation) if on else ""


bytes_in = functools.lru_cache(maxsize=8192)(capacity.format_bytes)
_exact_bytes = functools.lru_cache(maxsize=8192)(capacity.exact_bytes)


@functools.lru_cache(maxsize=4096)
def _day(on: date, notation: str) -> str:
    return format_date(on, "medium", notation)


@functools.lru_cache(maxsize=4096)
def _minute(hour: int, minute: int, notation: str) -> str:
    return format_time(time(hour, minute), "short", locale=notation)


def last_day(at: datetime) -> str:
    """The day of the provider's calendar that ends then; another moment as it is."""
    on = day_that_ends(at, current_app.settings.provider.time_zone)
    return format_date(on, "long", reader().notation) if on else when(at)


def until(at: datetime) -> str:
    """A midnight named by the day that it ends: nobody has to think about which day 00:00 belongs to."""
    if day_that_ends(at, current_app.settings.provider.time_zone) is None:
        return when(at)
    return reader().translations.gettext("end of %(day)s") % {"day": last_day(at)}


def money(amount_cents: Decimal, currency: str) -> str:
    """Cents as money, with as many decimals as the price has: 0.55 cents a GB must not become 0.01."""
    amount = Decimal(amount_cents) / 100
    fine = -int(amount.normalize().as_tuple().exponent) > 2
    return format_currency(amount, currency, locale=reader().notation, decimal_quantization=not fine)


def country_name(code: str) -> str:
    return Locale.parse(language()).territories.get(code, code)


@functools.cache
def _digest(path: Path, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def static_digest(name: str) -> str:
    """Names the content that a static file has now. Raises OSError when there is no such file."""
    path = Path(current_app.static_folder or "") / name
    return _digest(path, path.stat().st_mtime_ns)


def static_url(name: str) -> str:
    """The address of a static file with its content's digest, so that it may be cached for good."""
    return url_for("static", filename=name, v=static_digest(name))


@pass_eval_context
def gettext(context: EvalContext, text: str, /, **values: object) -> str:
    """As Jinja's own for templates, but the language is found out once a request, and a text without values is made
    ready once: pages have hundreds of them."""
    known = reader().translations
    if not values:
        return _ready_text(known, text, context.autoescape)
    found = known.gettext(text)
    return (Markup(found) if context.autoescape else found) % values  # noqa: S704 - texts are the product's own


@functools.lru_cache(maxsize=4096)
def _ready_text(known: NullTranslations, text: str, as_html: bool) -> str:
    found = known.gettext(text) % {}
    return Markup(found) if as_html else found  # noqa: S704 - as above


@pass_eval_context
def ngettext(context: EvalContext, one: str, many: str, number: int, /, **values: object) -> str:
    found = reader().translations.ngettext(one, many, number)
    return (Markup(found) if context.autoescape else found) % {"num": number, **values}  # noqa: S704 - as above


def init_app(app: Flask) -> None:
    Babel(app, locale_selector=chosen_locale, timezone_selector=chosen_zone)
    app.jinja_env.filters.update(
        bytes=bytes_text,
        exact_bytes=exact_bytes,
        when=when,
        moment=moment,
        day=day,
        last_day=last_day,
        until=until,
        money=money,
        country_name=country_name,
    )
    app.jinja_env.globals.update(static_url=static_url, language=language)
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=False)  # type: ignore[attr-defined]
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]
    app.jinja_env.globals["_"] = gettext
