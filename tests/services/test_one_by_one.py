"""A fault of one closure, erasure or job is kept for people, and the others go on."""

import logging
from datetime import timedelta

import pytest
from peewee import OperationalError

from models.audit import AuditEvent
from models.partner import Member, Partner
from services import archive, erasure, housekeeping, one_by_one
from tests.models import rows


def faulty(*_args, **_more):
    raise ValueError("Frida Fabrikam <frida@example.com>")


def test_a_faulty_job_of_the_night_holds_up_no_other_and_tells_no_values(cast, acting, settings, monkeypatch, caplog):
    monkeypatch.setattr(archive, "purge", faulty)
    with caplog.at_level(logging.ERROR, "portal.worker"):
        housekeeping.purge(acting(), settings)
    assert not housekeeping.due(acting()), "the nightly purge came to its end"
    assert [row.name for row in one_by_one.failed(acting().at)] == ["nightly purge: archived_rows"]
    kept = " ".join(str(row.after) for row in AuditEvent.select().where(AuditEvent.action == "job.failed"))
    assert "ValueError" in kept and "test_one_by_one.py:" in kept
    assert "rida" not in kept + caplog.text


def test_it_is_noted_once_in_half_a_day_and_gone_a_day_after_the_last(cast, acting, settings, clock, monkeypatch):
    for _round in range(3):
        assert one_by_one.tried(acting(), "this", faulty, 7) == 7
    assert AuditEvent.select().where(AuditEvent.action == "job.failed").count() == 1
    clock.advance(hours=13)
    one_by_one.tried(acting(), "this", faulty, 7)
    assert AuditEvent.select().where(AuditEvent.action == "job.failed").count() == 2
    clock.advance(hours=25)
    assert one_by_one.failed(clock.now()) == []


def test_a_database_that_is_away_is_no_fault_of_the_job(cast, acting):
    def away():
        raise OperationalError("server closed the connection")

    with pytest.raises(OperationalError):
        one_by_one.tried(acting(), "this", away, None)
    assert one_by_one.failed(acting().at) == []


def test_one_faulty_erasure_holds_up_no_other(cast, acting, settings, clock, monkeypatch):
    old = clock.now() - timedelta(days=settings.sign_up_draft_days)
    first, second = (rows.make(Partner, state="draft", legal_name=name, created_at=old) for name in ("Aaa", "Bbb"))
    rows.make(Member, partner=second, email="second@example.com")
    real = erasure.erase_partner

    def erase(act, settings, partner, **more):
        return faulty() if partner.id == first.id else real(act, settings, partner, **more)

    monkeypatch.setattr(erasure, "erase_partner", erase)
    housekeeping.purge(acting(), settings)
    assert [row.name for row in one_by_one.failed(acting().at)] == [f"erasure of partner {first.id}"]
    assert Partner.get_by_id(second.id).state == "closed"
