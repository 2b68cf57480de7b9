"""Notices (T6): whom they concern and when, acknowledgement as evidence, editions, mails that come once to each."""

from datetime import timedelta

import pytest
from peewee import IntegrityError

from models.audit import AuditEvent
from models.base import database
from models.notice import Notice, NoticeAcknowledgement, NoticeMail
from models.outbox import Mail
from services import notice_audience, notice_desk, notice_mails, notices
from services.notice_desk import fingerprint
from services.notice_drafts import NoticeRefused
from services.refusal import NotFound
from tests.notices import BODIES, LANGUAGES, TITLES, draft, published

DAY = timedelta(days=1)


def titles(member, at) -> list[str]:
    return [notice.titles["en"] for notice in notices.present(member, at).notices]


def acknowledged(acting, member, notice, language="en"):
    digest = notices.digest(Notice.get_by_id(notice.id), language)
    return notices.acknowledge(acting(member, user_agent="a browser"), member, notice.id, language, digest)


def test_a_draft_concerns_nobody_until_it_is_published(cast, clock, acting):
    notice = notice_desk.create(acting(cast.olga), draft(), "one")
    assert titles(cast.alice, clock.now()) == []
    notice_desk.publish(acting(cast.olga), notice.id, fingerprint(notice), LANGUAGES)
    assert titles(cast.alice, clock.now()) == [TITLES["en"]]


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({}, ["alice", "bob", "vera", "charlie"]),
        ({"roles": ("admin",)}, ["alice", "charlie"]),
        ({"kinds": ("distributor",)}, ["charlie"]),
        ({"kinds": ("distributor",), "roles": ("viewer",)}, []),
    ],
)
def test_the_audience_is_of_kind_and_role(cast, clock, changes, reached):
    cast.contoso.kind = cast.charlie.partner.kind = "distributor"
    cast.contoso.save()
    notice = published(cast, clock.now(), **changes)
    people = ("alice", "bob", "vera", "charlie")
    assert [name for name in people if titles(getattr(cast, name), clock.now())] == reached
    assert [
        member.public_id for member in notice_audience.people(notice).order_by(notice_audience.Member.id)
    ] == reached


def test_the_audience_can_be_chosen_partners(cast, clock):
    notice = published(cast, clock.now(), partner_ids=(cast.contoso.id,))
    assert titles(cast.charlie, clock.now()) and not titles(cast.alice, clock.now())
    assert [member.public_id for member in notice_audience.people(notice)] == ["charlie"]
    with pytest.raises(NotFound):
        notices.own(cast.alice, notice.id, clock.now())


def test_applicants_are_not_partners_yet(cast, clock):
    published(cast, clock.now())
    cast.alice.partner.state = "applied"
    assert titles(cast.alice, clock.now()) == []


def test_it_stands_from_its_beginning_to_its_end(cast, clock):
    now = clock.now()
    published(cast, now, starts_at=now + DAY, ends_at=now + 2 * DAY)
    assert [bool(titles(cast.alice, now + days * DAY)) for days in (0, 1, 1.5, 2)] == [False, True, True, False]
    assert notices.past(cast.alice, now + 1.5 * DAY) == ([], None)
    assert [notice.titles for notice in notices.past(cast.alice, now + 2 * DAY)[0]] == [TITLES]


def test_both_gates_take_one_query(cast, clock, count_queries):
    published(cast, clock.now(), asks=True, blocks=("allocation",))
    cast.alice.partner.state  # noqa: B018 - every request has it at hand
    with count_queries() as queries:
        assert notices.present(cast.alice, clock.now()).due("allocation")
    assert queries.count == 1


def test_an_acknowledgement_names_who_when_where_and_the_exact_text(cast, clock, acting):
    notice = published(cast, clock.now(), asks=True, blocks=("allocation",))
    assert notices.present(cast.alice, clock.now()).due("allocation")
    row = acknowledged(acting, cast.alice, notice, "de")
    assert (row.member_name, row.partner_name, row.member_role) == ("Alice Adler", "Northwind Traders GmbH", "admin")
    assert (row.language, row.sha256) == ("de", notices.digest(notice, "de"))
    assert (row.acknowledged_at, row.ip, row.user_agent) == (clock.now(), "192.0.2.7", "a browser")
    assert not notices.present(cast.alice, clock.now()).due()
    assert notices.present(cast.bob, clock.now()).due("allocation"), "each member for itself"
    assert AuditEvent.get(AuditEvent.action == "notice.acknowledged").partner_id == cast.northwind.id


def test_a_second_click_is_the_first_one(cast, clock, acting):
    notice = published(cast, clock.now(), asks=True)
    assert acknowledged(acting, cast.alice, notice) == acknowledged(acting, cast.alice, notice)
    assert AuditEvent.select().where(AuditEvent.action == "notice.acknowledged").count() == 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_another_text_than_the_shown_one_is_not_acknowledged(cast, clock, acting, language):
    notice = published(cast, clock.now(), asks=True)
    with pytest.raises(notices.TextChanged):
        notices.acknowledge(acting(cast.alice), cast.alice, notice.id, language, "0" * 64)
    assert NoticeAcknowledgement.select().count() == 0


def test_what_is_over_is_not_acknowledged_any_more(cast, clock, acting):
    notice = published(cast, clock.now(), asks=True, ends_at=clock.now() + DAY)
    clock.advance(days=1)
    with pytest.raises(notices.TextChanged):
        acknowledged(acting, cast.alice, notice)


def test_reading_takes_it_from_the_unread_ones(cast, clock, acting):
    notice = published(cast, clock.now())
    assert notices.present(cast.alice, clock.now()).unread == 1
    for _ in (1, 2):
        notices.note_reading(acting(cast.alice), cast.alice, notice)
    assert (notices.present(cast.alice, clock.now()).unread, notices.present(cast.bob, clock.now()).unread) == (0, 1)


@pytest.mark.parametrize("column", ["titles", "bodies", "blocks", "audience"])
def test_the_database_keeps_a_published_text(cast, clock, column):
    notice = published(cast, clock.now())
    with pytest.raises(IntegrityError, match="new edition"), database.atomic():
        Notice.update({column: {"en": "Other"}}).where(Notice.id == notice.id).execute()
    Notice.update(over_at=clock.now()).where(Notice.id == notice.id).execute()


def corrected(cast, clock, acting, old, **changes):
    made = notice_desk.correct(acting(cast.olga), old.id)
    values = {"asks": True, "bodies": {**BODIES, "en": "Keep three copies."}, **changes}
    made = notice_desk.change(acting(cast.olga), made.id, draft(**values), fingerprint(made))
    return notice_desk.publish(acting(cast.olga), made.id, fingerprint(made), LANGUAGES)


def test_a_correction_is_an_edition_that_asks_again(cast, clock, acting):
    old = published(cast, clock.now(), asks=True)
    acknowledged(acting, cast.alice, old)
    clock.advance(hours=1)
    new = corrected(cast, clock, acting, old)
    [standing] = notices.present(cast.alice, clock.now()).notices
    assert (standing.id, standing.due) == (new.id, True)
    assert notices.later_edition(old, clock.now()) == new
    with pytest.raises(notices.TextChanged):
        acknowledged(acting, cast.bob, old)
    acknowledged(acting, cast.alice, new)
    assert NoticeAcknowledgement.select().count() == 2


def test_a_correction_may_count_what_was_acknowledged(cast, clock, acting):
    old = published(cast, clock.now(), asks=True)
    acknowledged(acting, cast.alice, old)
    new = corrected(cast, clock, acting, old, asks_again=False)
    assert not notices.present(cast.alice, clock.now()).due()
    assert notices.present(cast.bob, clock.now()).due()
    row = acknowledged(acting, cast.bob, new)
    assert (row.notice_id, row.asked_under_id) == (new.id, old.id)
    assert notice_audience.counts(new) == (2, 2)


def test_a_planned_correction_leaves_the_present_edition_until_then(cast, clock, acting):
    old = published(cast, clock.now(), ends_at=clock.now() + 9 * DAY)
    new = corrected(cast, clock, acting, old, starts_at=clock.now() + DAY)
    ids = [[row.id for row in notices.present(cast.alice, clock.now() + days * DAY).notices] for days in (0, 1)]
    assert ids == [[old.id], [new.id]]
    notice_desk.end(acting(cast.olga), new.id)
    assert [row.id for row in notices.present(cast.alice, clock.now() + 2 * DAY).notices] == [old.id]
    assert Notice.get_by_id(old.id).over_at == old.ends_at
    assert notice_desk.state_of(Notice.get_by_id(new.id), clock.now()) == "over"


def test_one_edition_is_corrected_once(cast, clock, acting):
    old = published(cast, clock.now())
    first = notice_desk.correct(acting(cast.olga), old.id)
    assert notice_desk.correct(acting(cast.oscar), old.id) == first
    notice_desk.publish(acting(cast.olga), first.id, fingerprint(first), LANGUAGES)
    with pytest.raises(NoticeRefused):
        notice_desk.correct(acting(cast.olga), old.id)
    with pytest.raises(NoticeRefused):
        notice_desk.correct(acting(cast.olga), notice_desk.create(acting(cast.olga), draft(), "two").id)


def test_an_early_end_is_at_once(cast, clock, acting):
    notice = published(cast, clock.now(), asks=True, blocks=("usage",))
    notice_desk.end(acting(cast.olga), notice.id)
    assert not notices.present(cast.alice, clock.now()).due("usage")
    with pytest.raises(NoticeRefused):
        notice_desk.end(acting(cast.olga), notice.id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"titles": {"en": "", "de": ""}}, "title_en"),
        ({"titles": {"en": "x" * 151, "de": ""}}, "title_en"),
        ({"bodies": {"en": "x" * 20_001, "de": ""}}, "body_en"),
        ({"kind": "gossip"}, "kind"),
        ({"blocks": ("usage",)}, "blocks"),
        ({"asks": True, "blocks": ("keys",)}, "blocks"),
        ({"asks": True, "blocks": ("exports",)}, "blocks"),
        ({"partner_ids": ()}, "partners"),
    ],
)
def test_what_cannot_be_a_notice_says_which_field(cast, acting, changes, field):
    with pytest.raises(NoticeRefused) as refused:
        notice_desk.create(acting(cast.olga), draft(**changes), "one")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"titles": {"en": "Only English", "de": ""}}, "title_de"),
        ({"bodies": {"en": "Only English", "de": "\n"}}, "body_de"),
    ],
)
def test_nothing_is_published_in_half_of_the_languages(cast, acting, changes, field):
    notice = notice_desk.create(acting(cast.olga), draft(**changes), "one")
    with pytest.raises(NoticeRefused) as refused:
        notice_desk.publish(acting(cast.olga), notice.id, fingerprint(notice), LANGUAGES)
    assert refused.value.field == field


def test_a_colleagues_change_is_not_written_over(cast, acting):
    notice = notice_desk.create(acting(cast.olga), draft(), "one")
    seen = fingerprint(notice)
    notice_desk.change(acting(cast.olga), notice.id, draft(kind="information"), seen)
    for act in (notice_desk.remove, lambda *seen: notice_desk.publish(*seen, LANGUAGES)):
        with pytest.raises(NoticeRefused, match="colleague"):
            act(acting(cast.olga), notice.id, seen)
    assert Notice.get_by_id(notice.id).kind == "information"


def test_who_has_and_who_has_not(cast, clock, acting, monkeypatch):
    monkeypatch.setattr(notice_audience, "PAGE_SIZE", 2)
    monkeypatch.setattr(notice_audience, "BATCH", 1)
    notice = published(cast, clock.now(), asks=True)
    acknowledged(acting, cast.bob, notice)
    assert notice_audience.counts(notice) == (1, 3)
    first = notice_audience.page(notice, "open")
    rest = notice_audience.page(notice, "open", first.after)
    assert [member.public_id for member in first.still_open + rest.still_open] == ["alice", "vera", "charlie"]
    assert [row.member_name for row in notice_audience.page(notice, "done").done] == ["Bob Brandt"]
    rows = list(notice_audience.file_rows(notice))
    assert [(row[1], row[4]) for row in rows] == [
        ("Bob Brandt", "acknowledged"), ("Alice Adler", "open"), ("Vera Vogt", "open"), ("Charlie Chase", "open"),
    ]  # fmt: skip
    assert {len(row) for row in rows} == {len(notice_audience.COLUMNS)}


def mails_of(notice) -> list[str]:
    return [mail.recipient.split("@")[0] for mail in Mail.select().where(Mail.template == "notice").order_by(Mail.id)]


def test_important_notices_are_mailed_once_to_each(cast, clock, acting, settings, monkeypatch):
    monkeypatch.setattr(notice_mails, "BATCH", 2)
    notice = published(cast, clock.now(), important=True, roles=("admin", "staff"), asks=True)
    published(cast, clock.now())
    rounds = 0
    while notice_mails.send_due(acting(None), settings):
        rounds += 1
    assert rounds == 2
    assert mails_of(notice) == ["alice", "bob", "charlie"]
    mail = Mail.get(Mail.recipient == cast.alice.email)
    assert mail.subject == TITLES["en"] and f"/notices/{notice.id}" in mail.text
    assert not notice_mails.send_due(acting(None), settings)


def test_a_worker_that_ends_in_the_middle_neither_loses_nor_doubles_a_mail(cast, clock, acting, settings, monkeypatch):
    notice = published(cast, clock.now(), important=True)
    written, queue = [], notice_mails.mail.queue

    def dies_at_the_third(*args, **values):
        written.append(values["to"])
        if len(written) == 3:
            raise KeyboardInterrupt
        return queue(*args, **values)

    monkeypatch.setattr(notice_mails, "BATCH", 2)
    monkeypatch.setattr(notice_mails.mail, "queue", dies_at_the_third)
    assert notice_mails.send_due(acting(None), settings)
    with pytest.raises(KeyboardInterrupt):
        notice_mails.send_due(acting(None), settings)
    assert mails_of(notice) == ["alice", "bob"] and NoticeMail.select().count() == 2
    while notice_mails.send_due(acting(None), settings):
        pass
    assert mails_of(notice) == ["alice", "bob", "vera", "charlie"]


def test_a_planned_notice_is_mailed_when_it_begins_and_an_ended_one_never(cast, clock, acting, settings):
    notice = published(cast, clock.now(), important=True, starts_at=clock.now() + DAY)
    gone = published(cast, clock.now(), important=True)
    notice_desk.end(acting(cast.olga), gone.id)
    assert not notice_mails.send_due(acting(None), settings)
    clock.advance(days=1)
    assert notice_mails.send_due(acting(None), settings)
    assert len(mails_of(notice)) == 4


def test_the_list_is_by_state(cast, clock, acting):
    now = clock.now()
    planned, standing = published(cast, now, starts_at=now + DAY), published(cast, now, asks=True)
    over = published(cast, now - 2 * DAY, ends_at=now - DAY)
    written = notice_desk.create(acting(cast.olga), draft(), "one-more")
    acknowledged(acting, cast.alice, standing)
    expected = {"draft": written, "planned": planned, "standing": standing, "over": over}
    assert {state: notice_desk.page(state, now).rows for state in expected} == {
        state: [row] for state, row in expected.items()
    }
    everything = notice_desk.page("", now)
    assert [notice_desk.state_of(row, now) for row in everything.rows] == ["draft", "over", "standing", "planned"]
    assert everything.acknowledged[standing.id] == 1
