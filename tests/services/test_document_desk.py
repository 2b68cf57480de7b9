"""A new version of a document: written, approved by a second operator, published, told, and then left alone (T5)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.audit import AuditEvent
from models.base import write_tx
from models.outbox import Mail
from models.partner import Member
from models.terms import TermsTold, TermsVersion
from services import document_desk, document_notices, document_publishing, documents, policy
from services.document_wanted import DeskRefused, DeskStale
from services.refusal import NotFound
from tests.cast import act_of
from tests.services.desk import FAR, Desk, manager, wanted_of


@pytest.fixture
def desk(cast, settings, clock):
    return Desk(settings, clock, cast.olga, manager(clock.now()))


def refused(what, *arguments, **more) -> DeskRefused:
    with pytest.raises(DeskRefused) as refusal:
        what(*arguments, **more)
    return refusal.value


def test_a_draft_begins_as_the_newest_text_in_every_language(desk, clock):
    draft = desk.begin()
    held = documents.texts_of("portal_terms", "1.0")
    assert {language: row.body for language, row in draft.rows.items()} == {
        language: row.body for language, row in held.items()
    }
    assert (draft.any.label, draft.step, draft.any.grace_days) == ("1.1", "draft", policy.current().terms_grace_days)
    assert documents.current("portal_terms", "en", clock.now()).label == "1.0"


def test_a_language_that_the_version_lacks_begins_with_the_binding_text(desk, cast, clock):
    published = desk.published()
    with write_tx():
        TermsVersion.insert(
            kind="price_list", label="7", language="en", title="P", body="P\n", sha256="0" * 64, state="published",
            effective_at=clock.now(), published_at=clock.now(),
        ).execute()  # fmt: skip
    draft = desk.begin("price_list")
    assert published.label == "1.1" and draft.rows["de"].body == "P\n" and draft.any.label == "8"


def test_only_one_version_of_a_kind_is_written_at_a_time(desk):
    desk.begin()
    assert "already" in refused(desk.begin).text
    assert desk.begin("acceptable_use").any.label == "1.1"


def test_a_kind_that_nobody_published_has_no_draft(desk):
    with pytest.raises(NotFound):
        desk.begin("gossip")
    with pytest.raises(NotFound):
        document_desk.draft("portal_terms")


def test_of_two_operators_the_second_sees_that_the_draft_changed(desk):
    seen = desk.begin()
    desk.edit(seen, desk.otto)
    with pytest.raises(DeskStale):
        desk.edit(seen)
    for late in (document_desk.discard, document_publishing.approve):
        with pytest.raises(DeskStale):
            late(desk.act(desk.otto), "portal_terms", seen.revision)


def test_a_discarded_draft_is_gone_and_its_trail_stays(desk):
    draft = desk.begin()
    document_desk.discard(desk.act(desk.olga), "portal_terms", draft.revision)
    assert document_desk.drafts() == {}
    assert AuditEvent.select().where(AuditEvent.action == "terms.discarded").count() == 2
    with pytest.raises(DeskStale):
        desk.edit(draft)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"label": "1.0"}, "label"),
        ({"label": "a b"}, "label"),
        ({"label": "../x"}, "label"),
        ({"grace_days": 367}, "grace_days"),
        ({"grace_days": -1}, "grace_days"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(desk, changes, field):
    draft = desk.begin()
    assert refused(desk.edit, draft, **changes).field == field
    assert document_desk.draft("portal_terms").revision == draft.revision


def test_an_empty_text_is_refused_in_its_language(desk):
    draft = desk.begin()
    texts = dict(wanted_of(draft).texts)
    texts["de"] = type(texts["de"])(texts["de"].title, " \n", "", "")
    assert refused(desk.edit, draft, texts=texts).field == "body_de"


@pytest.mark.parametrize("name", ["change_summary", "reason"])
def test_summary_and_reason_are_needed_in_every_language_before_it_is_submitted(desk, name):
    draft = desk.begin()
    texts = dict(wanted_of(draft).texts)
    texts["de"] = type(texts["de"])(**{**texts["de"].__dict__, name: ""})
    draft = desk.edit(draft, texts=texts)
    act = desk.act(desk.olga)
    assert refused(document_publishing.submit, act, desk.settings, "portal_terms", draft.revision).field == f"{name}_de"


def test_a_draft_that_changes_no_text_cannot_be_submitted(desk):
    draft = desk.begin()
    draft = desk.edit(draft, texts=wanted_of(draft, "\n").texts)
    act = desk.act(desk.olga)
    assert refused(document_publishing.submit, act, desk.settings, "portal_terms", draft.revision).field == "body_en"


def test_the_processing_agreement_changes_only_by_a_fresh_click(desk):
    assert refused(desk.submitted, "data_processing", by_click=False).field == "by_click"


def test_nobody_approves_what_they_worked_on(desk, cast):
    draft = desk.submitted()
    assert (
        "Somebody else"
        in refused(document_publishing.approve, desk.act(cast.olga), "portal_terms", draft.revision).text
    )
    draft = desk.edit(draft, desk.otto, texts=wanted_of(draft, "\n\nAnd more.\n").texts)
    document_publishing.submit(desk.act(cast.olga), desk.settings, "portal_terms", draft.revision)
    draft = document_desk.draft("portal_terms")
    for author in (cast.olga, desk.otto):
        assert refused(document_publishing.approve, desk.act(author), "portal_terms", draft.revision)
    document_publishing.approve(desk.act(cast.oscar), "portal_terms", draft.revision)
    assert document_desk.draft("portal_terms").any.approver == "Oscar Otto"


def test_a_change_after_the_approval_needs_a_new_one(desk):
    draft = desk.approved()
    draft = desk.edit(draft, texts=wanted_of(draft, "\n\nUnseen.\n").texts)
    assert draft.step == "draft" and draft.any.approver_operator_id is None
    act = desk.act(desk.olga)
    assert (
        "not approved" in refused(document_publishing.publish, act, desk.settings, "portal_terms", draft.revision).text
    )


def test_the_approver_can_send_it_back_with_a_note(desk):
    draft = desk.submitted()
    assert refused(document_publishing.send_back, desk.act(desk.otto), "portal_terms", draft.revision, " ").field
    document_publishing.send_back(desk.act(desk.otto), "portal_terms", draft.revision, "Clause 4 is unclear.")
    draft = document_desk.draft("portal_terms")
    assert (draft.step, draft.any.note) == ("draft", "Clause 4 is unclear.")


def test_without_a_day_it_holds_from_the_first_midnight_that_leaves_the_notice(desk, clock):
    row = desk.published()  # 2 March 2026, 10:00 in Berlin
    assert row.effective_at == datetime(2026, 4, 1, 22, tzinfo=UTC)  # 2 April in Berlin, which has summer time
    assert row.effective_at - clock.now() >= timedelta(days=30)
    assert row.grace_until_at == datetime(2026, 4, 21, 22, tzinfo=UTC)
    assert (row.supersedes, row.author, row.approver) == ("1.0", "Olga Olsen", "Otto Ott")


def test_grace_ends_at_midnight_also_when_the_clocks_change_meanwhile(desk):
    row = desk.published(effective_on=date(2026, 10, 20))
    assert row.effective_at == datetime(2026, 10, 19, 22, tzinfo=UTC)
    assert row.grace_until_at == datetime(2026, 11, 8, 23, tzinfo=UTC)


def test_a_day_that_is_too_near_is_refused_unless_the_law_requires_it(desk, clock):
    near = clock.now().date() + timedelta(days=29)
    refusal = refused(desk.submitted, effective_on=near)
    assert (refusal.field, refusal.values["earliest_on"]) == ("effective_on", date(2026, 4, 2))
    draft = document_desk.draft("portal_terms")
    draft = desk.edit(draft, texts=wanted_of(draft).texts, effective_on=near, required_by_law=True)
    act = desk.act(desk.olga)
    document_publishing.submit(act, desk.settings, "portal_terms", draft.revision)
    assert document_desk.draft("portal_terms").step == "submitted"


def test_today_means_now_where_the_law_requires_it(desk, clock):
    today = clock.now().date()
    row = desk.published(effective_on=today, required_by_law=True)
    assert row.effective_at == clock.now() and documents.current("portal_terms", "en", clock.now()).label == row.label
    desk.submitted("acceptable_use", effective_on=today, required_by_law=True)
    draft = document_desk.draft("acceptable_use")
    document_publishing.approve(desk.act(desk.otto), "acceptable_use", draft.revision)
    clock.advance(days=1)
    act, seen = desk.act(desk.otto), document_desk.draft("acceptable_use").revision
    refusal = refused(document_publishing.publish, act, desk.settings, "acceptable_use", seen)
    assert refusal.values["earliest_on"] == clock.now().date()


def test_an_announced_version_cannot_come_into_force_over_a_newer_one(desk, clock):
    far = clock.now().date() + timedelta(days=200)
    announced = desk.published(effective_on=far)
    refusal = refused(desk.submitted, effective_on=far - timedelta(days=1))
    assert (refusal.field, refusal.values["announced_on"]) == ("effective_on", far)
    draft = document_desk.draft("portal_terms")
    draft = desk.edit(draft, texts=wanted_of(draft).texts, effective_on=far)
    document_publishing.submit(desk.act(desk.olga), desk.settings, "portal_terms", draft.revision)
    assert document_desk.draft("portal_terms").any.label != announced.label


def test_a_day_that_came_too_near_while_waiting_is_refused_at_publication(desk, clock):
    draft = desk.approved(effective_on=clock.now().date() + timedelta(days=40))
    clock.advance(days=11)
    act = desk.act(desk.olga)
    assert refused(document_publishing.publish, act, desk.settings, "portal_terms", draft.revision).field


def test_what_takes_effect_by_use_has_no_grace(desk):
    row = desk.published(by_click=False)
    assert (row.requires_acceptance, row.grace_until_at, row.grace_days) == (False, None, 0)


def test_time_alone_puts_a_version_into_force_and_the_sweep_only_notes_it(desk, clock):
    row = desk.published(effective_on=FAR)
    assert documents.current("portal_terms", "de", row.effective_at - timedelta(seconds=1)).label == "1.0"
    assert documents.current("portal_terms", "de", row.effective_at).label == "1.1"
    assert document_publishing.supersede(act_of(None, clock.now())) == []
    assert document_publishing.supersede(act_of(None, row.effective_at)) == ["portal_terms 1.0 is superseded by 1.1"]
    assert document_publishing.supersede(act_of(None, row.effective_at)) == []
    assert {row.state for row in TermsVersion.select().where(TermsVersion.label == "1.1")} == {"published"}
    assert AuditEvent.select().where(AuditEvent.action == "terms.superseded").count() == 2


def test_a_published_version_is_no_draft_any_more_and_a_next_one_can_begin(desk):
    desk.published()
    assert document_desk.drafts() == {}
    assert desk.begin().any.label == "1.2"


def test_a_second_click_on_publish_changes_nothing(desk):
    draft = desk.approved()
    act = desk.act(desk.olga)
    document_publishing.publish(act, desk.settings, "portal_terms", draft.revision)
    with pytest.raises(DeskStale):
        document_publishing.publish(act, desk.settings, "portal_terms", draft.revision)


def test_administrators_are_told_once_in_batches_and_in_their_language(desk, cast, clock, settings, monkeypatch):
    monkeypatch.setattr(document_notices, "BATCH", 1)
    Member.update(locale="de").where(Member.id == cast.charlie.id).execute()
    desk.published()
    act = act_of(None, clock.now())
    assert [document_notices.tell(act, settings) for _turn in range(4)] == [True, True, True, False]
    mails = {mail.recipient: mail for mail in Mail.select().where(Mail.template == "document_published")}
    assert set(mails) == {cast.alice.email, cast.charlie.email}
    assert "Reason en" in mails[cast.alice.email].text and "Reason de" in mails[cast.charlie.email].text
    assert "/terms/portal_terms/1.1/changes" in mails[cast.alice.email].text
    assert document_notices.told("portal_terms", "1.1") == 2
    assert AuditEvent.get(AuditEvent.action == "terms.told").after["count"] == 2


def test_of_the_privacy_notice_everybody_is_told(desk, cast, clock, settings):
    desk.published("privacy_notice")
    document_notices.tell(act_of(None, clock.now()), settings)
    told = {row.member_id for row in TermsTold.select()}
    assert told == {cast.alice.id, cast.bob.id, cast.vera.id, cast.charlie.id}


@pytest.mark.parametrize("state", ["draft", "applied", "query", "refused", "barred", "closed"])
def test_who_has_no_part_in_the_portal_is_not_told(desk, cast, clock, settings, state):
    cast.contoso.state = state
    cast.contoso.save()
    Member.update(active=False).where(Member.id == cast.alice.id).execute()
    desk.published()
    document_notices.tell(act_of(None, clock.now()), settings)
    assert TermsTold.select().count() == 0


@pytest.mark.parametrize(
    ("kind", "by_click", "words"),
    [
        ("portal_terms", True, "only when an administrator agrees to it. Please do so by"),
        ("portal_terms", False, "You need not do anything"),
        ("privacy_notice", True, "tick its box the next time you sign in"),
        ("flow_down", True, "This text is for your customers"),
    ],
)
def test_the_mail_says_what_has_to_be_done(desk, cast, clock, settings, kind, by_click, words):
    desk.published(kind, by_click=by_click)
    document_notices.tell(act_of(None, clock.now()), settings)
    assert words in Mail.get(Mail.recipient == cast.alice.email).text
