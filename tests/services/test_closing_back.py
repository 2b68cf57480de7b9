"""Who ends a partnership takes that back, and nobody else; what a suspension held stays held meanwhile."""

from datetime import date

import pytest

from models.audit import AuditEvent
from models.change_request import ChangeRequest
from models.closure import Closure
from models.contract import Contract
from models.deletion import Deletion
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import Region
from services import (
    closing,
    closing_back,
    closing_desk,
    contracts_changes,
    deletion_guard,
    deletion_release,
    leaving,
    measures,
)
from services.closing import ClosureRefused
from services.contracts import ContractRefused
from services.deletion_release import ReleaseRefused
from services.measures import Wanted
from services.refusal import NotFound
from tests.services.ground import TB, fresh, trail, work
from tests.services.test_closing import go_to

WHY = Wanted("unpaid", "Three invoices are open.")


@pytest.fixture
def site(ground):
    found = ground.site()
    Region.update(hard_quota="immediate").where(Region.id == found.region.id).execute()
    return found


def northwind(cast) -> Partner:
    return Partner.get_by_id(cast.northwind.id)


def terminate(ground, cast) -> Closure:
    measures.ask_termination(ground.act(cast.olga), cast.northwind.id, WHY)
    measures.confirm_termination(ground.act(cast.oscar), ground.settings, cast.northwind.id)
    return Closure.get(Closure.contract.is_null())


def announce(ground, cast) -> Closure:
    return leaving.announce(ground.act(), ground.settings, cast.northwind, "We leave")


@pytest.mark.parametrize("own_first", [False, True])
def test_a_terminated_partner_does_not_take_it_back(ground, cast, own_first):
    if own_first:
        announce(ground, cast)
    closure = terminate(ground, cast)
    assert (closure.cause, closure.reason, closure.state) == ("terminated", WHY.note, "notice")
    assert closure.asked_by == f"operator:{cast.olga.id}"
    assert len(trail("closure.terminated")) == own_first
    with pytest.raises(ClosureRefused, match="did not ask"):
        leaving.take_back(ground.act(), ground.settings, cast.northwind)
    assert Closure.get().state == "notice"


def test_staff_take_a_termination_back_with_a_reason_that_the_partner_reads(ground, cast):
    closure, staff = terminate(ground, cast), ground.act(cast.olga)
    with pytest.raises(ClosureRefused) as refused:
        closing_back.withdraw(staff, closure, ground.settings, " ")
    assert refused.value.field == "reason"
    closing_back.withdraw(staff, closure, ground.settings, "They have paid.")
    assert Closure.get().state == "withdrawn"
    assert trail("closure.withdrawn")[0].after["reason"] == "They have paid."
    assert "They have paid." in Mail.select().where(Mail.template == "closure").order_by(Mail.id.desc()).get().text


def test_the_end_of_one_contract_is_not_the_partners_to_take_back(ground, cast):
    closure = contracts_changes.terminate(
        ground.act(cast.olga), ground.settings, "RCP-1001", date(2026, 4, 30), "breach"
    )
    with pytest.raises(NotFound):
        leaving.take_back(ground.act(), ground.settings, cast.northwind)
    with pytest.raises(ClosureRefused, match="did not ask"):
        closing_back.withdraw(ground.act(), closure, ground.settings)
    assert Closure.get().state == "notice"


def test_a_partner_suspended_during_the_notice_comes_back_suspended(ground, site, cast):
    row = ground.account("Adler AG", TB)
    work(site)
    closure = announce(ground, cast)
    measures.suspend(ground.act(cast.olga), ground.settings, cast.northwind.id, Wanted("unpaid", "Late", storage=True))
    assert measures.follow(ground.act(cast.olga)) == 1
    go_to(ground, date(2026, 5, 2))
    assert northwind(cast).state == "closing"
    assert measures.follow(ground.act(cast.olga)) == 0
    assert fresh(row).held_at is not None
    closing_back.withdraw(ground.act(cast.olga), closure, ground.settings)
    assert (northwind(cast).state, fresh(row).held_at is None) == ("suspended", False)


def test_an_operator_opens_data_that_were_held_with_their_partner(ground, site, cast):
    row = ground.account("Adler AG", TB)
    work(site)
    closure = announce(ground, cast)
    measures.suspend(ground.act(cast.olga), ground.settings, cast.northwind.id, Wanted("unpaid", "Late", storage=True))
    measures.follow(ground.act(cast.olga))
    go_to(ground, date(2026, 5, 2))
    go_to(ground, date(2026, 6, 2))
    work(site)
    assert site.storage.read_account(row.remote_uid).suspended
    closing_desk.open_account(ground.act(cast.olga), closure.public_id, row.number)
    measures.follow(ground.act(cast.olga))
    work(site)
    assert not site.storage.read_account(row.remote_uid).suspended


def test_one_operator_alone_ends_no_contract_and_has_its_data_removed(ground, site, cast):
    other = Contract.create(
        **{
            **vars(ground.contract)["__data__"],
            "id": None,
            "public_id": "c2",
            "number": "RCP-1002",
            "allocated_bytes": 0,
        }
    )
    row = ground.account("Adler AG", TB)
    work(site)
    contracts_changes.terminate(ground.act(cast.olga), ground.settings, "RCP-1001", date(2026, 3, 2), "breach")
    for day in (date(2026, 3, 3), date(2026, 4, 3), date(2026, 5, 4)):
        go_to(ground, day)
        work(site)
    assert (Closure.get().state, other.state, northwind(cast).state) == ("purging", "active", "active")
    deletion_guard.begin_due(site, ground.settings)
    (held,) = deletion_guard.held(site.region)
    assert (held.held_reason, held.started_at) == ("operator", None)
    with pytest.raises(ReleaseRefused, match="Somebody else"):
        deletion_release.release(ground.act(cast.olga), ground.settings, site.region.id, [held.id], "mine")
    deletion_release.release(ground.act(cast.oscar), ground.settings, site.region.id, [held.id], "looked at")
    deletion_guard.begin_due(site, ground.settings)
    assert Deletion.get(Deletion.sub_account == row).started_at is not None


def test_an_earlier_last_day_is_an_end_that_is_announced(ground, cast):
    contract = ground.contract
    wanted = contracts_changes.Edit(**{**vars(contracts_changes.edit_of(contract)), "ends_on": date(2026, 3, 2)})
    with pytest.raises(ContractRefused, match="has to be announced") as refused:
        contracts_changes.change(ground.act(cast.olga), ground.settings, "RCP-1001", wanted, "x", contract.version)
    assert refused.value.field == "ends_on"


def test_a_closure_that_the_partner_begins_stands_in_its_requests_and_reaches_operators(ground, cast):
    closure = announce(ground, cast)
    assert announce(ground, cast).id == closure.id
    request = ChangeRequest.get()
    assert (request.kind, request.contract_id, request.state) == ("closure", None, "approved")
    letter = Mail.get(Mail.template == "request_to_operator")
    assert letter.recipient == cast.olga.email and "closes the account" in letter.text and "We leave" in letter.text
    assert [one.closure.id for one in leaving.news(ground.clock.now())] == [closure.id]
    leaving.see(ground.act(cast.olga), closure.public_id)
    leaving.see(ground.act(cast.olga), closure.public_id)
    assert leaving.news(ground.clock.now()) == []
    leaving.take_back(ground.act(), ground.settings, cast.northwind)
    leaving.take_back(ground.act(), ground.settings, cast.northwind)
    request = ChangeRequest.get()
    assert (request.state, request.decided_by) == ("withdrawn", "Alice Adler")
    assert [one.closure.state for one in leaving.news(ground.clock.now())] == ["withdrawn"]
    assert Mail.select().where(Mail.template == "request_to_operator").count() == 2
    ground.clock.advance(days=61)
    assert leaving.news(ground.clock.now()) == []
    assert AuditEvent.select().where(AuditEvent.action == leaving.SEEN).count() == 1


def test_what_moved_on_waits_for_nobody(ground, cast):
    announce(ground, cast)
    go_to(ground, date(2026, 5, 2))
    assert leaving.news(ground.clock.now()) == []
    assert closing.open_for(cast.northwind).state == "transition"


def test_mails_name_the_day_that_ends(ground, cast):
    announce(ground, cast)
    text = Mail.get(Mail.template == "closure").text
    assert "Contract ends: end of 1 May 2026" in text
    assert "00:00" not in text.split("Fetching data until")[1] and "AM" not in text
