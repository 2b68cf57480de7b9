"""How values are written for the reader: language, zone, capacity, dates, money, names of countries."""

import functools
import hashlib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from babel.core import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from flask import Flask, current_app, g, request, session, url_for
from flask_babel import Babel, get_locale, to_user_timezone
from flask_login import current_user

from services import capacity


def chosen_locale() -> str:
    """The person's choice, else this browser's choice here, else what the browser asks for."""
    known = current_app.settings.locales
    if current_user and current_user.is_authenticated and current_user.person.locale in known:
        return current_user.person.locale
    if session.get("language") in known:
        return session["language"]
    return request.accept_languages.best_match(known) or known[0]


def chosen_zone() -> str:
    if current_user and current_user.is_authenticated:
        return current_user.person.time_zone
    return current_app.settings.provider.time_zone


def language() -> str:
    return str(get_locale() or "en")


def notation() -> str:
    """The locale for dates and numbers: English pages write them as is usual in Europe, 24 Nov 2026, 14:05."""
    return {"en": "en_150"}.get(language(), language())


def bytes_text(amount_bytes: int) -> str:
    return capacity.format_bytes(amount_bytes, language())


def exact_bytes(amount_bytes: int) -> str:
    return capacity.exact_bytes(amount_bytes, language())


def when(at: datetime | None) -> str:
    if at is None:
        return ""
    local = to_user_timezone(at)
    return f"{format_date(local.date(), 'medium', notation())}, {format_time(local.time(), 'short', locale=notation())}"


def moment(at: datetime) -> str:
    """Today's times without the date."""
    local, today = to_user_timezone(at), to_user_timezone(g.clock.now()).date()
    return format_time(local.time(), "short", locale=notation()) if local.date() == today else when(at)


def day(on: date | None) -> str:
    return format_date(on, "medium", notation()) if on else ""


def money(amount_cents: Decimal, currency: str) -> str:
    """Cents as money, with as many decimals as the price has: 0.55 cents a GB must not become 0.01."""
    amount = Decimal(amount_cents) / 100
    fine = -int(amount.normalize().as_tuple().exponent) > 2
    return format_currency(amount, currency, locale=notation(), decimal_quantization=not fine)


def country_name(code: str) -> str:
    return Locale.parse(language()).territories.get(code, code)


@functools.cache
def _digest(path: Path, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a static file with its content's digest, so that it may be cached for good."""
    path = Path(current_app.static_folder or "") / name
    return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))


def init_app(app: Flask) -> None:
    Babel(app, locale_selector=chosen_locale, timezone_selector=chosen_zone)
    app.jinja_env.filters.update(
        bytes=bytes_text, exact_bytes=exact_bytes, when=when, moment=moment, day=day, money=money, country_name=country_name
    )
    app.jinja_env.globals.update(static_url=static_url, language=language)
    app.jinja_env.add_extension("jinja2.ext.i18n")
