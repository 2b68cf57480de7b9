import email
import email.policy
import ipaddress
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.base import database, write_tx
from models.outbox import Mail
from services import mail, mail_sending
from tests.postgres import free_port

BACK_OFF = timedelta(minutes=5)


@pytest.fixture
def queue(db, settings, acting, clock):
    def write(number: int = 1, **changes) -> Mail:
        values = {"to": f"person{number}@example.com", "locale": "en", "path": "/", "name": f"Pérson {number}"}
        with write_tx():
            return mail.queue(acting(), settings, "password_changed", **values | {"changed_at": clock.now()} | changes)

    return write


class Mailbox:
    """A mail server that keeps what it gets, and refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.messages: list = []
        self.refused_recipient = ""
        self.recipients: list[str] = []
        self.secured: list[bool] = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.refused_recipient:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        self.secured.append(session.ssl is not None)
        return "250 OK"


@pytest.fixture
def mail_server():
    """`mail_server(**options)` starts a server on a free port and returns its mailbox and its address."""
    started = []

    def start(**options):
        box = Mailbox()
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        started.append(controller)
        return box, f"127.0.0.1:{controller.port}"

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> ssl.SSLContext:
    """A server's TLS context for 127.0.0.1, trusted by this process for the length of the test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    signed = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(own, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def open_for_alice(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=data.login == b"alice" and data.password == b"p@ss/word", handled=False)


def test_without_a_server_mails_land_as_files_that_only_the_portal_reads(queue, settings, clock):
    row = queue()
    assert mail_sending.send_due(settings, clock.now()) == 1
    (path,) = settings.mail_dir.iterdir()
    assert path.name == f"20260302T090000-{row.id}-password_changed.eml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert settings.mail_dir.stat().st_mode & 0o777 == 0o700


def test_the_file_is_a_mail_with_text_first_and_html_beside_it(queue, settings, clock):
    row = queue(attachment=("receipt.csv", "a;b\n"))
    mail_sending.send_due(settings, clock.now())
    (path,) = settings.mail_dir.iterdir()
    got = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert got["From"] == "Example Storage <portal@example.com>"
    assert got["To"] == "person1@example.com"
    assert got["Subject"] == row.subject
    assert got["Message-ID"] == f"<20260302090000000000.{row.id}@127.0.0.1>"
    assert got["Date"].datetime == clock.now()
    assert got["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in got.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/csv",
    ]
    assert "Pérson 1" in got.get_body(("plain",)).get_content()
    (attachment,) = got.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("receipt.csv", "a;b\n")


def test_a_link_stays_whole_in_the_file_and_a_long_line_travels_too(queue, settings, clock):
    queue(1, path="/password/reset/" + "A" * 43)
    queue(2, name="ö" * 2000)
    assert mail_sending.send_due(settings, clock.now()) == 2
    first, second = sorted(settings.mail_dir.iterdir())
    assert f"{settings.public_url}/password/reset/{'A' * 43}" in first.read_text()
    assert max(len(line) for line in second.read_bytes().splitlines()) < 998
    long = email.message_from_bytes(second.read_bytes(), policy=email.policy.default)
    assert "ö" * 2000 in long.get_body(("plain",)).get_content()


def test_a_sent_mail_is_marked_and_not_sent_again(queue, settings, clock):
    row = queue()
    assert mail_sending.send_due(settings, clock.now()) == 1
    assert Mail.get_by_id(row.id).sent_at == clock.now()
    clock.advance(hours=1)
    assert mail_sending.send_due(settings, clock.now()) == 0


def test_the_text_of_a_private_mail_is_gone_once_it_is_sent(queue, settings, clock):
    private, other = queue(1, private=True, path="/password/reset/CANARY"), queue(2)
    mail_sending.send_due(settings, clock.now())
    assert "CANARY" not in str(Mail.get_by_id(private.id).__data__)
    assert Mail.get_by_id(other.id).html != ""
    assert any("CANARY" in path.read_text() for path in settings.mail_dir.iterdir())


def test_the_oldest_leave_first_and_no_more_than_asked_for(queue, settings, clock):
    rows = [queue(number) for number in range(5)]
    assert mail_sending.send_due(settings, clock.now(), limit=3) == 3
    left = [row.id for row in Mail.select().where(Mail.sent_at.is_null()).order_by(Mail.id)]
    assert left == [rows[3].id, rows[4].id]


def test_two_workers_do_not_send_the_same_mail(queue, settings, clock, mail_server):
    box, address = mail_server()
    for number in range(12):
        queue(number)
    at_smtp = replace(settings, smtp_url=f"smtp://{address}")

    def work(_) -> int:
        with database.connection_context():
            return mail_sending.send_due(at_smtp, clock.now())

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 12
    assert len({message["Message-ID"] for message in box.messages}) == len(box.messages) == 12


def test_mails_wait_while_the_server_is_away_and_leave_when_it_is_back(queue, settings, clock, mail_server):
    first, second = queue(1), queue(2)
    away = replace(settings, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    assert mail_sending.send_due(away, clock.now()) == 0
    waiting = Mail.get_by_id(first.id)
    assert (waiting.attempts, waiting.sent_at) == (1, None)
    assert "ConnectionRefusedError" in waiting.last_error
    assert Mail.get_by_id(second.id).attempts == 0, "one failure of the server is enough for this round"
    box, address = mail_server()
    clock.advance(minutes=5)
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 2
    assert len(box.messages) == 2
    assert Mail.get_by_id(first.id).last_error == ""


def test_the_waits_grow_and_stay_within_five_minutes(queue, settings, clock):
    row = queue()
    away = replace(settings, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    for attempt in range(12):
        clock.advance(minutes=5)
        mail_sending.send_due(away, clock.now())
        waiting = Mail.get_by_id(row.id)
        longest = min(BACK_OFF, timedelta(seconds=2 * 2**attempt))
        assert waiting.attempts == attempt + 1
        assert clock.now() <= waiting.next_attempt_at <= clock.now() + longest


def test_one_refused_recipient_does_not_hold_up_the_others(queue, settings, clock, mail_server):
    box, address = mail_server()
    box.refused_recipient = "person1@example.com"
    refused, other = queue(1), queue(2)
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 1
    assert Mail.get_by_id(other.id).sent_at == clock.now()
    assert "550" in Mail.get_by_id(refused.id).last_error


def test_an_address_with_an_umlaut_travels_where_the_server_can(queue, settings, clock, mail_server):
    box, address = mail_server(enable_SMTPUTF8=True)
    queue(to="jürgen@example.com")
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 1
    assert box.recipients == ["jürgen@example.com"] and box.messages[0]["To"] == "jürgen@example.com"


def test_it_waits_with_a_reason_where_the_server_cannot(queue, settings, clock, mail_server):
    box, address = mail_server(enable_SMTPUTF8=False)
    waiting, other = queue(to="jürgen@example.com"), queue(2, to="person@müller.example")
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 1
    assert "SMTPUTF8" in Mail.get_by_id(waiting.id).last_error and Mail.get_by_id(waiting.id).sent_at is None
    assert Mail.get_by_id(other.id).sent_at == clock.now(), "a name in the domain has an older way of its own"
    assert box.recipients == ["person@xn--mller-kva.example"]


def test_a_worker_that_died_while_sending_is_followed_after_its_claim(queue, settings, clock):
    row = queue()
    assert mail_sending._claim(row.id, clock.now())
    assert mail_sending.send_due(settings, clock.now()) == 0
    clock.advance(minutes=5)
    assert mail_sending.send_due(settings, clock.now()) == 1
    assert Mail.get_by_id(row.id).attempts == 2


def test_the_message_id_stays_the_same_at_every_attempt(queue, settings, clock):
    row = queue()
    first = mail_sending.message(settings, row, clock.now())["Message-ID"]
    clock.advance(hours=3)
    assert mail_sending.message(settings, Mail.get_by_id(row.id), clock.now())["Message-ID"] == first


def test_starttls_is_taken_when_the_server_offers_it(queue, settings, clock, mail_server, certificate):
    box, address = mail_server(tls_context=certificate)
    queue()
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 1
    assert box.secured == [True]


def test_user_and_password_go_over_tls(queue, settings, clock, mail_server, certificate):
    box, address = mail_server(tls_context=certificate, authenticator=open_for_alice, auth_required=True)
    queue()
    wrong = replace(settings, smtp_url=f"smtp://alice:wrong@{address}")
    assert mail_sending.send_due(wrong, clock.now()) == 0
    assert "SMTPAuthenticationError" in Mail.get().last_error
    clock.advance(minutes=5)
    right = replace(settings, smtp_url=f"smtp://alice:p%40ss%2Fword@{address}")
    assert mail_sending.send_due(right, clock.now()) == 1
    assert box.secured == [True]


@pytest.mark.parametrize("login", ["alice:secret@", ""])
def test_a_password_or_a_wish_for_tls_is_never_given_up_in_silence(queue, settings, clock, mail_server, login: str):
    box, address = mail_server()
    queue()
    url = f"smtp://{login}{address}" + ("" if login else "?starttls=required")
    assert mail_sending.send_due(replace(settings, smtp_url=url), clock.now()) == 0
    assert "STARTTLS" in Mail.get().last_error
    assert "secret" not in Mail.get().last_error
    assert box.messages == []


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(
    queue, settings, clock, mail_server, certificate, monkeypatch
):
    _box, address = mail_server(tls_context=certificate)
    monkeypatch.delenv("SSL_CERT_FILE")
    queue()
    assert mail_sending.send_due(replace(settings, smtp_url=f"smtp://{address}"), clock.now()) == 0
    assert "CERTIFICATE_VERIFY_FAILED" in Mail.get().last_error


def test_a_full_disk_keeps_the_mail(queue, settings, clock):
    settings.var_dir.mkdir()
    settings.mail_dir.write_text("a file where the folder should be")
    row = queue()
    assert mail_sending.send_due(settings, clock.now()) == 0
    assert Mail.get_by_id(row.id).sent_at is None
    os.unlink(settings.mail_dir)
    clock.advance(minutes=5)
    assert mail_sending.send_due(settings, clock.now()) == 1
