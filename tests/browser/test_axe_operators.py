"""Every page and state that the provider's people see: no finding of axe, nothing small or cut off."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from models.drift import DRIFT_KINDS, Drift
from models.operator import Operator
from models.outbox import Mail
from models.sub_account import Region
from services import integrations, notice_desk, security_report, verification
from tests.applicants import TB, answered, applicant, sub_account
from tests.cast import act_of
from tests.notices import draft, published, switched_off

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-operators")]

CONTRACT = {"number": "RCP-2026-77", "price_cents": "0.55", "excess_price_cents": "0.8", "egress_price_cents": "0"}


@pytest.fixture
def asked(cast, portal, clock):
    """An applicant who answered one question and still owes another."""
    partner = applicant(clock.now())
    act, settings = act_of(cast.olga, clock.now()), portal.app.settings
    notes = {"street": "Which number is right?", "vat_id": "It is not in the register."}
    street, _vat = verification.query(act, settings, partner.id, notes)
    answered(street, "Ring 9", clock.now())
    return partner


def test_the_queue_and_the_partners(eyes, cast, clock, asked):
    seen = eyes(cast.olga)
    sub_account(cast.contract, cast.region, clock.now(), phase="attention", reason_code="refused", last_error="403")
    applicant(clock.now(), "A company with a really long name that goes on Handelsgesellschaft mbH & Co. KGaA")
    seen.open("/admin", "queue")
    seen.open("/admin/partners", "partners")
    seen.open("/admin/overdue-terms", "nobody with overdue terms")
    seen.open("/admin/objections", "nobody who objected")
    seen.open("/admin/partners?q=nobody", "partners, none found")
    seen.open("/admin/partners?state=closed", "partners, none in this state")


def test_an_empty_queue(eyes, cast):
    eyes(cast.oscar).open("/admin", "queue, empty")


def test_deciding_about_an_application(eyes, cast, asked):
    seen, own = eyes(cast.olga), f"/admin/partners/{asked.id}"
    seen.open(own, "file of an applicant")
    seen.open(f"{own}/query", "question")
    seen.send("question, nothing written")
    seen.open(f"{own}/refuse", "refusal")
    seen.send("refusal, no reason")
    seen.enter(reason="Not in the register.")
    seen.send("file of a refused company")
    eyes(cast.oscar).open(own, "file, for somebody who does not decide")
    seen.open(f"/admin/partners/{cast.northwind.id}", "file of a partner")
    seen.open(f"/admin/partners/{cast.northwind.id}/trail", "trail, empty")
    seen.open(f"{own}/trail", "trail")


def test_an_approval_that_comes_too_late(eyes, cast, asked):
    seen = eyes(cast.olga)
    seen.visitor.open(f"/admin/partners/{asked.id}")
    type(asked).update(street="Ring 11").where(type(asked).id == asked.id).execute()
    seen.send("approval of something that has changed", "#decision form [type=submit]")
    seen.send("approved", "#decision form [type=submit]")


def test_a_new_contract(eyes, cast):
    seen = eyes(cast.olga)
    seen.open(f"/admin/partners/{cast.contoso.id}/contracts/new", "contract, empty")
    seen.send("contract, nothing entered", "main form [value=check]")
    seen.enter(**(CONTRACT | {"reserved_bytes": "ten", "ends_on": "2020-01-01"}))
    seen.send("contract, slips", "main form [value=check]")
    seen.enter(reserved_bytes="10 TB", ends_on="2028-12-31")
    seen.send("contract, check", "main form [value=check]")
    seen.send("contract, created", "main form [value=create]")


def test_the_storage(eyes, cast, clock):
    seen = eyes(cast.oscar)
    seen.open("/admin/storage", "storage, in order")
    long_ago = clock.now() - timedelta(hours=2)
    error = "403 from http://storage.internal.example.com:8333/a-very-long-path-without-any-space-in-it-at-all"
    sub_account(cast.contract, cast.region, long_ago, phase="attention", reason_code="refused", last_error=error)
    Region.update(failing_since_at=long_ago, last_error=error).execute()
    seen.open("/admin/storage", "storage, failing and stuck")
    seen.page.locator("#regions td form button").first.click()
    expect(seen.page.locator("#regions .notice-good, #regions .error-summary").first).to_be_visible()
    seen.look("storage, tried again")


def test_what_the_comparison_found(eyes, cast, clock):
    at = clock.now()
    row = sub_account(
        cast.contract, cast.region, at - timedelta(hours=3), phase="attention", reason_code="missing",
        observed_state="active", in_force_bytes=TB, last_error="x" * 200,
    )  # fmt: skip
    for acted_at in (None, at):
        for kind in DRIFT_KINDS:
            key_id = f"PPKEYOFTWENTYSIGNS{acted_at is None:d}X" if "key" in kind else ""
            uid = f"pp-k3v9zz-{kind.replace('_', '-')}-{acted_at is None:d}"
            Drift.create(
                region=cast.region, remote_uid=uid, sub_account=None if kind == "unknown_account" else row, kind=kind,
                key_id=key_id, there_bytes=3 * TB, first_seen_at=at, last_seen_at=at, acted_at=acted_at,
            )  # fmt: skip
    Region.update(scan_error="list: no answer", scanned_at=at, retry_at=at + timedelta(seconds=30)).execute()
    seen = eyes(cast.olga)
    seen.open("/admin", "queue, unknown accounts and keys")
    seen.open("/admin/storage", "storage, everything that can be found")
    seen.open(f"/admin/storage/{row.number}/decide", "decision")
    seen.send("decision, nothing chosen")
    seen.enter(way="pause", reason="Somebody looks into it.")
    seen.send("storage, one on hold")
    seen.open(f"/admin/storage/{row.number}/decide", "decision about one on hold")
    for finding in Drift.select().where(Drift.kind.in_(("unknown_account", "quota")), Drift.acted_at.is_null()):
        seen.open(f"/admin/storage/findings/{finding.id}/settle", f"taking off: {finding.kind}")
    seen.send("taking off, no reason")
    eyes(cast.oscar).open("/admin/storage", "storage, for somebody who does not decide")


def test_the_outbox(eyes, cast, clock):
    at, rows = clock.now(), []
    for subject, values in (
        ("Your application", {"sent_at": at}),
        ("Confirm your address", {"private": True}),
        ("Your contract", {"last_error": "550 mailbox unavailable: " + "x" * 90, "attempts": 7}),
    ):
        rows.append(
            Mail.create(
                recipient="a.rather.long.mail.address@a-long-company-name.example.com", template="t", subject=subject,
                text="Hello\n" + "a line that is longer than a phone is wide " * 3, html="", created_at=at,
                next_attempt_at=at, **values,
            )
        )  # fmt: skip
    seen = eyes(cast.oscar)
    seen.open("/admin/outbox", "outbox")
    for mail in rows:
        seen.open(f"/admin/outbox/{mail.id}", f"mail: {mail.subject}")
    Mail.delete().execute()
    seen.open("/admin/outbox", "outbox, empty")
    seen.open("/admin/outbox?state=failed", "outbox, none failed")


def test_the_operators(eyes, cast):
    Operator.update(active=False).where(Operator.id == cast.oscar.id).execute()
    seen = eyes(cast.olga)
    seen.open("/admin/operators", "operators")
    seen.open("/admin/operators/new", "new operator")
    seen.send("new operator, nothing entered")
    seen.enter(name="Otto", email="otto@provider.example.com")
    seen.send("operators, one not set up")


def test_switches_and_notices(eyes, cast, clock):
    seen = eyes(cast.olga)
    seen.open("/admin/switches/history", "history of switches, empty")
    seen.open("/admin/notices", "notices, none")
    switched_off(cast, clock.now(), "usage", cast.northwind)
    switched_off(cast, clock.now(), "keys", from_at=clock.now() + timedelta(days=1))
    notice = published(cast, clock.now(), asks=True, blocks=("allocation",), partner_ids=(cast.northwind.id,))
    written = notice_desk.create(act_of(cast.olga, clock.now()), draft(), "a-draft")
    seen.open("/admin/switches", "switches")
    seen.open("/admin/switches/history", "history of switches")
    seen.open("/admin/switches/new", "switching an area off")
    seen.send("switching an area off, nothing chosen")
    seen.open("/admin/notices", "notices")
    seen.open(f"/admin/notices/{notice.id}", "notice in force")
    seen.open(f"/admin/notices/{notice.id}/acknowledgements", "who has not acknowledged")
    seen.open(f"/admin/notices/{notice.id}/acknowledgements?state=done", "who has acknowledged")
    seen.open(f"/admin/notices/{written.id}", "draft of a notice")
    seen.open(f"/admin/notices/{written.id}/edit", "changing a draft")
    seen.open("/admin/notices/new", "new notice")
    seen.send("new notice, nothing written")
    eyes(cast.oscar).open("/admin/switches", "switches, for somebody who does not change them")


def test_the_programs_the_archive_and_papers(eyes, cast, clock):
    seen = eyes(cast.olga)
    seen.open("/admin/integrations", "programs, none")
    seen.open("/admin/integrations/new", "new program")
    seen.send("new program, nothing entered")
    row = integrations.keep(
        act_of(cast.olga, clock.now()), None, "rclone", "https://rclone.org/s3/", {"en": "Copies.", "de": "Kopiert."}
    )
    seen.open("/admin/integrations", "programs")
    seen.open(f"/admin/integrations/{row.id}", "changing a program")
    seen.open("/admin/archive", "archive")
    seen.open(f"/admin/archive/{cast.northwind.id}/evidence", "archive of a partner")
    seen.open("/your-data", "own data of an operator")
    seen.open(f"/admin/partners/{cast.northwind.id}/documents", "papers, none")
    seen.open(f"/admin/partners/{cast.northwind.id}/documents/new", "new paper")
    seen.send("new paper, nothing entered")
    member = eyes(cast.alice)
    member.open("/your-data", "own data of a member")
    member.open("/documents/", "papers of a partner, none")
    member.open("/integrations", "programs, for partners")
    member.visitor.open("/integrations")
    member.open(member.page.locator("main a[href^='/out']").first.get_attribute("href"), "the way out")


def test_the_incident_desk(eyes, cast, portal, clock):
    report = security_report.Report("key", "A key of ours stood in a public place.", contact="+49 30 1234567")
    act, settings = act_of(cast.alice, clock.now()), portal.app.settings
    incident = security_report.send(act, settings, cast.alice, report, "once")
    seen, own = eyes(cast.olga), f"/admin/incidents/{incident.number}"
    seen.open("/admin/incidents", "incidents")
    seen.open("/admin/incidents?view=closed", "incidents, none")
    seen.open(own, "incident")
    seen.send("incident, stopping without the tick", "form[action$='/stop'] [type=submit]")
    seen.open(f"{own}/tell", "telling partners of an incident")
    seen.send("telling partners, nothing written")
    eyes(cast.oscar).open(own, "incident, for somebody who does not decide")
