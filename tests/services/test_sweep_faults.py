"""What time brings goes on past one thing that fails; a barred company outlives its erasure."""

import pytest

from models.partner import Partner
from models.sub_account import SubAccount
from models.verification import Measure
from services import closing_steps, contracts, erasure, housekeeping, measures, one_by_one
from services.sweep import sweep
from tests.models import rows
from tests.services import leaving


@pytest.fixture
def gone(cast, settings, clock):
    leaving.fill(cast.northwind, cast.alice, clock.now())
    SubAccount.update(phase="deleted", wanted_state="deleted", allocated_bytes=0).execute()
    return cast


def faulty(*_args, **_more):
    raise ValueError("this one")


def test_a_faulty_job_of_time_holds_up_no_other(cast, acting, settings, monkeypatch):
    monkeypatch.setattr(contracts, "sweep", faulty)
    sweep(acting(), settings)
    assert not housekeeping.due(acting()), "the nightly purge came to its end"
    assert [row.name for row in one_by_one.failed(acting().at)] == ["terms of contracts"]


def test_one_faulty_closure_holds_up_no_other(cast, acting, settings, monkeypatch):
    seen = []

    def one(_act, _settings, number):
        seen.append(number)
        return faulty() if number == 1 else None

    monkeypatch.setattr(closing_steps, "_due", lambda _act: [1, 2])
    monkeypatch.setattr(closing_steps, "_step", one)
    closing_steps.step(acting(), settings)
    assert seen == [1, 2]
    assert [row.name for row in one_by_one.failed(acting().at)] == ["closure 1"]


def test_a_barred_company_stays_barred_when_it_is_erased(gone, acting, settings, clock):
    rows.make(Measure, partner=gone.northwind, kind="bar", level="", ended_at=None)
    Partner.update(state="barred").where(Partner.id == gone.northwind.id).execute()
    erasure.erase_partner(acting(), settings, gone.northwind)
    assert Partner.get_by_id(gone.northwind.id).state == "barred"
    assert measures.open_measure(gone.northwind, "bar") is not None
    assert measures.lift_bar(acting(gone.olga), gone.northwind.id, "A mistake").state == "closed"
