"""Files that go with a mail: any kind, byte by byte, gone with what is private, never more than a mail carries."""

import email
import email.policy

import pytest

from models.base import write_tx
from models.outbox import Mail, MailAttachment
from services import mail, mail_sending, outbox_desk, pdf

BINARY = bytes(range(256)) * 40


@pytest.fixture
def queue(db, settings, acting, clock):
    def write(*attachments, **changes) -> Mail:
        values = {"to": "alice@example.com", "locale": "en", "path": "/", "name": "Alice", "changed_at": clock.now()}
        with write_tx():
            given = values | {"attachments": attachments} | changes
            return mail.queue(acting(), settings, "password_changed", **given)

    return write


def sent(settings, clock):
    mail_sending.send_due(settings, clock.now())
    (path,) = settings.mail_dir.iterdir()
    return list(email.message_from_bytes(path.read_bytes(), policy=email.policy.default).iter_attachments())


def test_several_files_of_any_kind_arrive_as_they_were(queue, settings, clock):
    receipt = pdf.document("Receipt", [], language="en", provider="P")
    text = "Zwei\r\nZeilen\n"
    queue(
        ("Beleg März.pdf", "application/pdf", receipt),
        ("data.zip", "application/zip", BINARY),
        ("text.txt", "text/plain", text.encode()),
        attachment=("texts.txt", "a\n"),
    )
    files = sent(settings, clock)
    assert [file.get_filename() for file in files] == ["texts.txt", "Beleg März.pdf", "data.zip", "text.txt"]
    assert [file.get_content_type() for file in files[1:]] == ["application/pdf", "application/zip", "text/plain"]
    assert [file.get_payload(decode=True) for file in files[1:]] == [receipt, BINARY, text.encode()]


def test_what_goes_with_a_private_mail_is_gone_once_it_is_sent(queue, settings, clock):
    queue(("data.zip", "application/zip", BINARY), private=True)
    [file] = sent(settings, clock)
    assert file.get_content() == BINARY
    assert not MailAttachment.select().exists()


def test_what_goes_with_an_ordinary_mail_stays(queue, settings, clock):
    queue(("data.zip", "application/zip", BINARY))
    sent(settings, clock)
    assert bytes(MailAttachment.get().content) == BINARY


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("", "application/pdf"), ("a\nb.pdf", "application/pdf"), ("a.pdf", "pdf"), ("a.pdf", "application/pdf\nBcc: x")],
)
def test_names_and_kinds_that_would_break_a_header_are_refused(queue, name, media_type):
    with pytest.raises(ValueError, match="an attachment cannot have the name"):
        queue((name, media_type, b"x"))
    assert not Mail.select().exists() and not MailAttachment.select().exists()


def test_more_than_a_mail_can_carry_is_refused(queue, monkeypatch):
    monkeypatch.setattr(mail, "MOST_ATTACHED_BYTES", 10)
    queue(("a.zip", "application/zip", b"12345"), ("b.zip", "application/zip", b"12345"))
    with pytest.raises(ValueError, match="more than 10 bytes"):
        queue(("a.zip", "application/zip", b"123456"), ("b.zip", "application/zip", b"12345"))


def test_the_outbox_names_every_file(queue):
    row = queue(("data.zip", "application/zip", BINARY), attachment=("texts.txt", "a\n"))
    shown, _text = outbox_desk.one(row.id)
    assert shown.attached == ["texts.txt", "data.zip"]
