"""A partner from its sign-up over the end of its account to the last record that law keeps of it: eleven years."""

from datetime import timedelta

from models.archive import ArchiveRecord
from models.audit import AuditPersonal
from models.closure import Closure
from models.partner import Member, Partner
from models.sub_account import Region, SubAccount
from services import audit_check, closing, contracts, deletion_guard, deletion_release, mail_sending, promises
from services.sweep import sweep
from tests.applicants import terms
from tests.blueprints.signing_up import COMPANY, PERSON, link_in, mails, sign_up
from tests.cast import act_of
from tests.services import leaving
from tests.services.deletions import store
from tests.services.ground import TB, Ground, fresh, work

ARCHIVE = ("archive_record",)


def signed_up(client, clock) -> Member:
    """Dora, her address confirmed, her company let in."""
    sign_up(client)
    client.post(link_in(mails("sign_up_confirm")[-1]))
    clock.advance(days=1)
    dora = Member.get(Member.name == PERSON["name"])
    Partner.update(state="active", decided_at=clock.now()).where(Partner.id == dora.partner_id).execute()
    client.post("/login", data={"email": PERSON["email"], "password": PERSON["password"]})
    assert client.get("/your-data/company.zip").status_code == 200
    return Member.get_by_id(dora.id)


def used(ground: Ground, site, dora: Member) -> SubAccount:
    today = ground.clock.now().date()
    agreed = terms(today, ends_on=today + timedelta(days=3000))
    contract = contracts.create(act_of(ground.cast.olga, ground.clock.now()), ground.settings, dora.partner_id, agreed)
    row = ground.account("Kim Kunde KG", 2 * TB, person=dora, contract=contract)
    work(site)
    store(site, row, 3)
    return row


def night(ground: Ground, site, days: int = 1) -> None:
    ground.clock.advance(days=days)
    at = ground.clock.now()
    sweep(act_of(None, at), ground.settings)
    work(site)
    deletion_guard.begin_due(site, ground.settings)
    work(site)
    mail_sending.send_due(ground.settings, at, 100)


def _let_go(ground: Ground, site) -> None:
    """A second person releases what is held back because the partner is not active any more."""
    held = [deletion.id for deletion in deletion_guard.held(site.region)]
    if held:
        deletion_release.release(
            act_of(ground.cast.olga, ground.clock.now()), ground.settings, site.region.id, held, "as agreed"
        )


def test_eleven_years_of_a_partner(cast, client, clock, settings):
    ground = Ground(cast, settings, clock)
    site = ground.site()
    Region.update(hard_quota="immediate").where(Region.id == site.region.id).execute()
    dora = signed_up(client, clock)
    row, partner = used(ground, site, dora), dora.partner
    words = [COMPANY["legal_name"], COMPANY["street"], PERSON["name"], dora.email, dora.phone or "+49891234567"]
    words += ["Kim Kunde KG", "kim@customer.example.com"]
    night(ground, site, 100)
    closing.begin(act_of(dora, clock.now()), settings, partner, reason=f"{dora.name} stops", asked_by="partner")
    for _week in range(40):
        night(ground, site, 5)
        _let_go(ground, site)
        if Closure.get(Closure.partner == partner).erased_at:
            break
    assert fresh(row).phase == "deleted" and Closure.get(Closure.partner == partner).erased_at is not None
    found = leaving.places_of(words, ARCHIVE)
    assert found == set()
    assert {"voucher", "evidence", "commercial_letter"} <= {one.record_class for one in ArchiveRecord.select()}
    assert [str(one) for one in promises.check(clock.now())] == []
    _eleven_years(ground, words)


def _eleven_years(ground: Ground, words: list[str]) -> None:
    begun = ground.clock.now()
    while ground.clock.now() < begun + timedelta(days=365 * 11):
        ground.clock.advance(days=60)
        sweep(act_of(None, ground.clock.now()), ground.settings)
    assert ArchiveRecord.select().count() == 0
    assert leaving.places_of(words) == set()
    assert not AuditPersonal.select().where(AuditPersonal.ip != "").exists()
    assert list(audit_check.faults()) == []
