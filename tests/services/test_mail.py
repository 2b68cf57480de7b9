import ast
from datetime import date

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from jinja2 import UndefinedError

from models.base import database, write_tx
from models.outbox import Mail
from services import mail
from services.mail import ROOT

OWN_TEMPLATES = ("operator_setup", "password_changed", "password_reset", "password_reset_unknown")


@pytest.fixture
def queue(db, settings, acting, clock):
    """Queues the mail about a changed password with these values changed."""

    def write(template: str = "password_changed", **changes) -> Mail:
        values = {"to": "alice@example.com", "locale": "en", "path": "/password/forgot", "name": "Alice Adler"}
        values |= {"changed_at": clock.now(), "until_at": clock.now()} | changes
        with write_tx():
            return mail.queue(acting(), settings, template, **values)

    return write


@pytest.mark.parametrize("template", OWN_TEMPLATES)
def test_a_mail_has_text_first_and_html_with_one_button(queue, settings, template: str):
    row = Mail.get_by_id(queue(template).id)
    address = f"{settings.public_url}{'/' if template == 'password_reset_unknown' else '/password/forgot'}"
    assert row.subject.strip() == row.subject != ""
    assert "<" not in row.text
    assert settings.public_url in row.text
    assert row.html.startswith("<!doctype html>")
    assert row.html.count("display:inline-block") == 1
    for half in (row.text, row.html):
        assert settings.provider.name in half
        assert "You get this mail because" in half
    assert address.rstrip("/") in row.html


def test_links_come_from_the_public_address_only(queue):
    row = queue()
    assert "http://127.0.0.1:8000/password/forgot" in row.text
    assert 'href="http://127.0.0.1:8000/password/forgot"' in row.html


def test_a_mail_waits_from_the_moment_of_its_cause(queue, clock):
    row = queue()
    assert (row.created_at, row.next_attempt_at, row.sent_at) == (clock.now(), clock.now(), None)


def test_a_mail_goes_with_the_transaction_of_its_cause(queue):
    def cause_that_fails() -> None:
        with write_tx():
            queue()
            raise LookupError("the cause did not happen")

    with pytest.raises(LookupError):
        cause_that_fails()
    assert not Mail.select().exists()


def test_a_mail_outside_a_transaction_is_a_fault(db, settings, acting):
    with pytest.raises(RuntimeError, match="outside the transaction"):
        mail.queue(acting(), settings, "password_changed", to="a@example.com", locale="en")


def test_names_are_escaped_in_html_and_left_alone_in_text(queue):
    row = queue(name='<img src=x onerror="alert(1)">')
    assert "<img" not in row.html
    assert "&lt;img" in row.html
    assert "<img src=x" in row.text


@pytest.mark.parametrize(
    "to", ["a@example.com\r\nBcc: b@example.com", "a@example.com\nX: y", "a\rb@example.com", "nobody", ""]
)
def test_a_recipient_with_a_line_break_is_refused(queue, to: str):
    with pytest.raises(ValueError, match="not a mail address"):
        queue(to=to)
    assert not Mail.select().exists()


def test_a_letter_beyond_ascii_before_the_at_is_an_address(queue):
    assert queue(to="jürgen@example.com").recipient == "jürgen@example.com"


def test_a_subject_with_a_line_break_is_refused():
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        mail.refuse_broken_headers("a@example.com", "Hello\r\nBcc: b@example.com")


def test_a_missing_value_is_a_fault_and_not_a_gap(db, settings, acting):
    with write_tx(), pytest.raises(UndefinedError, match="'name' is undefined"):
        mail.queue(acting(), settings, "password_changed", to="a@example.com", locale="en", path="/")
    assert not Mail.select().exists()


def test_a_language_without_translations_falls_back_to_english(queue):
    row = queue(locale="fr")
    assert row.subject == "Your password was changed"
    assert '<html lang="fr">' in row.html


def test_values_are_written_in_the_readers_notation():
    env = mail.environment("de", "Europe/Berlin")
    text = env.from_string("{{ n|bytes }}, {{ on|day }}").render(n=1_500_000_000_000, on=date(2026, 3, 2))
    assert text == "1,5\u00a0TB, 02.03.2026"


def test_a_time_names_its_zone(queue):
    assert "2 Mar 2026, 10:00 CET" in queue().text
    assert "02.03.2026, 10:00 CET" in queue(locale="de").text


def test_a_translation_is_used_where_there_is_one(tmp_path, monkeypatch):
    catalogue = tmp_path / "translations" / "de" / "LC_MESSAGES"
    catalogue.mkdir(parents=True)
    words = Catalog(locale="de")
    words.add("Your password was changed", "Ihr Passwort wurde geändert")
    with (catalogue / "messages.mo").open("wb") as file:
        write_mo(file, words)
    (tmp_path / "templates").symlink_to(mail.ROOT / "templates")
    monkeypatch.setattr(mail, "ROOT", tmp_path)
    mail.environment.cache_clear()
    try:
        env = mail.environment("de", "Europe/Berlin")
        assert env.get_template("emails/password_changed/subject.txt").render() == "Ihr Passwort wurde geändert"
    finally:
        mail.environment.cache_clear()


def test_an_attachment_is_kept_with_its_name(queue):
    row = Mail.get_by_id(queue(attachment=("receipt.txt", "Ünïcode\n")).id)
    assert (row.attachment_name, row.attachment) == ("receipt.txt", "Ünïcode\n")
    assert not database.in_transaction()


def test_whoever_writes_a_mail_says_of_which_partner_it_tells():
    """Exports and erasures go by it; None has to be written down."""
    calls = [
        (path.as_posix(), node.lineno)
        for path in (ROOT / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "mail.queue"
        and "of_partner" not in {keyword.arg for keyword in node.keywords}
    ]
    assert calls == []
