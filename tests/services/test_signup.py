"""Turning a draft into an application: limits, and what the rules refuse without any page (threats 5, 6, 18)."""

import threading
from dataclasses import replace

import pytest

from models.base import database
from models.outbox import Mail
from models.partner import Member, Partner, SignUpDraft
from models.session import Attempt
from services import documents, links, passwords, signup
from services.consent import ConsentMissing, ConsentStale
from services.links import LinkExpired
from services.sessions import token_hash
from services.signup import DraftGone, TooMany, confirmation, drafts

DETAILS = {
    "legal_name": "Fabrikam GmbH",
    "country": "DE",
    "register_number": "HRB 1",
    "vat_id": "DE136695976",
    "street": "Lange Gasse 5",
    "postcode": "80331",
    "city": "München",
    "phone": "+49891234567",
    "name": "Dora Dietz",
    "person_phone": "",
    "job_title": "",
    "relation": "employee",
}


@pytest.fixture(autouse=True)
def published(db, acting, settings, request) -> None:
    if "cast" in request.fixturenames:
        request.getfixturevalue("cast")  # it brings the same texts, in force for longer
    documents.publish_shipped(acting(), settings)


@pytest.fixture
def draft(clock, settings):
    def finished(token: str, email: str = "dora@fabrikam.example.com") -> str:
        SignUpDraft.create(
            token_hash=token_hash(token),
            details={**DETAILS, "email": email},
            password_hash="$argon2id$made-up",
            created_at=clock.now(),
            changed_at=clock.now(),
            expires_at=clock.now().replace(year=2027),
        )
        return token

    return finished


@pytest.fixture
def apply(acting, settings, clock):
    def applying(
        token: str | None, agreed: list | None = None, authority: bool = True, ip: str = "198.51.100.7"
    ) -> None:
        act = replace(acting(), ip=ip, kind="visitor")
        versions = documents.required_at_sign_up("en", clock.now())
        wanted = [(version.id, version.sha256) for version in versions] if agreed is None else agreed
        signup.apply(act, settings, token, wanted, shown={}, declared_authority=authority, locale="en")

    return applying


def test_consent_is_asked_for_below_the_pages_too(draft, apply):
    token = draft("one")
    with pytest.raises(ConsentMissing):
        apply(token, agreed=[])
    with pytest.raises(ConsentStale):
        apply(token, agreed=[(1, "0" * 64), (3, "0" * 64)])
    with pytest.raises(ConsentMissing):
        apply(token, authority=False)
    assert not Partner.select().exists() and not Mail.select().exists()


def test_an_unfinished_or_unknown_draft_does_not_apply(draft, apply):
    token = draft("one")
    SignUpDraft.update(password_hash="").execute()
    for wrong in (token, "unknown", None, ""):
        with pytest.raises(DraftGone):
            apply(wrong)


def test_the_details_leave_the_draft_with_the_application(draft, apply):
    apply(draft("one"))
    row = SignUpDraft.get()
    assert set(row.details) == {"sent_to", "member_id", "password", "again", "sent_at"} and row.password_hash == ""
    assert drafts.next_step(row) == "sent"


def test_one_network_cannot_flood_the_desk(draft, apply, clock):
    for number in range(20):
        apply(draft(f"t{number}", f"dora{number}@fabrikam.example.com"))
    late = draft("late", "late@fabrikam.example.com")
    with pytest.raises(TooMany):
        apply(late)
    apply(draft("elsewhere", "elsewhere@fabrikam.example.com"), ip="203.0.113.9")
    clock.advance(hours=1, seconds=1)
    apply(late)
    assert Partner.select().count() == 22


def test_one_network_cannot_keep_the_portal_busy_with_passwords(acting, settings, monkeypatch):
    act = replace(acting(), kind="visitor", ip="198.51.100.7")
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "hashed", lambda text: hashed.append(text) or "$argon2id$made-up")
    person = {**DETAILS, "email": "dora@fabrikam.example.com"}
    for _ in range(60):
        drafts.keep_person(act, settings, None, person, "lamp river socket Tuesday")
    with pytest.raises(drafts.DetailsRefused) as refused:
        drafts.keep_person(act, settings, None, person, "lamp river socket Tuesday")
    assert [refusal.field for refusal in refused.value.refused] == ["password"] and len(hashed) == 60
    drafts.keep_person(replace(act, ip="203.0.113.9"), settings, None, person, "lamp river socket Tuesday")


def test_an_address_gets_at_most_five_such_mails_a_day_whoever_asks(draft, apply, clock, cast):
    for number in range(7):
        apply(draft(f"t{number}", cast.alice.email), ip=f"198.51.100.{number}")
    assert Mail.select().where(Mail.template == "sign_up_known").count() == 5
    clock.advance(days=1, seconds=1)
    apply(draft("next day", cast.alice.email))
    assert Mail.select().where(Mail.template == "sign_up_known").count() == 6


def test_the_counters_do_not_say_whose_address_was_tried(draft, apply):
    apply(draft("one"))
    assert not [row for row in Attempt.select() if "fabrikam" in row.subject or "198.51" in row.subject]


def test_two_sign_ups_with_one_address_at_once_make_one_application(draft, apply):
    tokens = [draft("one"), draft("two")]
    faults: list[Exception] = []
    barrier = threading.Barrier(2)

    def go(token: str) -> None:
        try:
            barrier.wait(30)
            apply(token)
        except Exception as fault:
            faults.append(fault)
        finally:
            database.close()

    threads = [threading.Thread(target=go, args=[token]) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    assert Partner.select().count() == Member.select().count() == 1
    assert Mail.select().where(Mail.template == "sign_up_confirm").count() == 2


def test_a_sign_up_that_came_between_the_look_and_the_press_is_not_confirmed(
    draft, apply, acting, settings, monkeypatch
):
    apply(draft("one"))
    member = Member.get()
    token = links.issue(acting(), signup.PURPOSE, member)

    def overtaken(*which) -> None:
        Member.update(password_hash="$argon2id$another").where(Member.id == member.id).execute()

    monkeypatch.setattr(confirmation, "hold", overtaken)
    with pytest.raises(LinkExpired):
        confirmation.confirm(acting(), settings, token, device_token="one", password="")
    assert Partner.get().state == "draft" and Member.get().email_confirmed_at is None
