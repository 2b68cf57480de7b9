"""Time ends what it has to end."""

from datetime import date, timedelta

from models.base import write_tx
from models.contract import Contract
from models.outbox import Mail, OneTimeKey
from models.partner import SignUpDraft
from services import mail
from services.sweep import sweep


def test_a_contract_expires_at_midnight_of_the_providers_zone(cast, acting, settings, clock):
    Contract.update(ends_on=date(2026, 3, 2)).where(Contract.number == "RCP-1001").execute()
    clock.advance(hours=13, minutes=59)  # 22:59 UTC is 23:59 in Berlin
    assert sweep(acting(), settings) == ["contract RCP-1001 ends in 0 days, and its partner is told"]
    assert sweep(acting(), settings) == []
    clock.advance(minutes=2)
    assert sweep(acting(), settings) == ["contract RCP-1001 is expired"]
    assert Contract.get(Contract.number == "RCP-1001").state == "expired"
    assert sweep(acting(), settings) == []


def test_what_was_kept_for_a_while_goes(cast, acting, settings, clock):
    now = clock.now()
    for hours in (71, 73):
        OneTimeKey.create(
            principal="p", key=str(hours), request_hash="", answer="", created_at=now - timedelta(hours=hours)
        )
    for name, days in (("old", -1), ("young", 1)):
        SignUpDraft.create(
            token_hash=name, details={}, created_at=now, changed_at=now, expires_at=now + timedelta(days=days)
        )
    assert sweep(acting(), settings) == ["1 unfinished sign-ups removed", "1 one-time keys of forms removed"]
    assert [row.key for row in OneTimeKey.select()] == ["71"]
    assert [row.token_hash for row in SignUpDraft.select()] == ["young"]


def test_a_mail_that_was_sent_keeps_its_text_for_90_days(cast, acting, settings, clock):
    now = clock.now()
    with write_tx():
        for name, days in (("old", 90), ("young", 89), ("waiting", None)):
            row = mail.queue(
                acting(),
                settings,
                "password_changed",
                to=cast.alice.email,
                locale="en",
                name=name,
                path="/",
                changed_at=now,
            )
            row.sent_at = None if days is None else now - timedelta(days=days)
            row.save()
    assert sweep(acting(), settings) == ["1 texts of sent mails removed"]
    old, young, waiting = Mail.select().order_by(Mail.id)
    assert "removed here" in old.text and old.html == "" and old.subject == "Your password was changed"
    assert "young" in young.text and "waiting" in waiting.html
    assert sweep(acting(), settings) == []
