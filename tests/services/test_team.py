"""Deciding about people: what ends with an access, whom a company cannot do without, and two who decide at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from models.audit import AuditEvent
from models.base import database
from models.outbox import Mail
from models.partner import Member, Partner
from models.session import OneTimeLink, Session
from models.team import AccessTold, AuthorityOffer, Invitation
from services import access_ends, authority, housekeeping, invitations, links, log_in, promises, sessions, team
from services.refusal import NotFound
from services.team_rules import TeamRefused
from tests.cast import PASSWORD, _member

LATER = date(2026, 12, 31)


@pytest.fixture
def dana(cast, clock) -> Member:
    """Northwind's second administrator, whose word does not bind it."""
    row = _member(cast.northwind, "Dana Dorn", "admin", clock.now())
    row.declared_authority = False
    row.save()
    return row


def fresh(member: Member) -> Member:
    return Member.get_by_id(member.id)


def set_access(acting, settings, by, member, role=None, relation="employee", until_on=None, seen=None):
    role, seen = role or member.role, seen or team.worded(fresh(member))
    return team.change(acting(by), settings, member, role=role, relation=relation, until_on=until_on, seen=seen)


def mails_to(member: Member) -> list[str]:
    return [mail.template for mail in Mail.select().where(Mail.recipient == member.email).order_by(Mail.id)]


def asked(clock) -> list[str]:
    return [str(found) for found in promises.check(clock.now())]


def hold_everything(cast, settings, acting, member) -> dict:
    """Sessions, links, a mail address that waits, an invitation, an offer: of an administrator."""
    token = sessions.begin(acting(member), member, settings)
    link = links.issue(acting(member), "reset_password", member)
    Member.update(wanted_email="new@example.com").where(Member.id == member.id).execute()
    wish = invitations.Wish("eve@example.com", "staff", "employee", None, "en")
    invitations.invite(acting(member), settings, member.partner, wish, f"once-{member.id}")
    return {"session": token, "link": link}


def test_removal_leaves_nothing_that_opens_the_portal(cast, settings, acting, clock, dana):
    held = hold_everything(cast, settings, acting, dana)
    authority.offer(acting(cast.alice), settings, cast.alice, dana.public_id)
    team.remove(acting(cast.alice), settings, dana)
    row = fresh(dana)
    assert (row.active, row.removed_at, row.wanted_email) == (False, clock.now(), "")
    assert sessions.recognise(held["session"], clock.now(), settings) is None
    assert not Session.select().where(Session.member == dana, Session.ended_at.is_null()).exists()
    with pytest.raises(NotFound):
        links.look("reset_password", held["link"], clock.now())
    assert OneTimeLink.get(OneTimeLink.member == dana).expires_at == clock.now()
    assert Invitation.get(Invitation.invited_by == dana).outcome == "void"
    assert AuthorityOffer.get().outcome == "void"
    with pytest.raises(log_in.LogInRefused):
        log_in.check(acting(), settings, dana.email, PASSWORD)
    assert mails_to(dana)[-1] == "access_ended"
    assert AuditEvent.get(AuditEvent.action == "member.removed").partner_id == cast.northwind.id
    assert asked(clock) == []


def test_a_grant_that_outlives_its_member_is_found_at_night(cast, settings, acting, clock, dana):
    hold_everything(cast, settings, acting, dana)
    Member.update(active=False, removed_at=clock.now()).where(Member.id == dana.id).execute()
    found = [line for line in asked(clock) if line.startswith("grants:")]
    assert len([line for line in found if "session" in line]) == 1
    assert len([line for line in found if "one-time link" in line]) == 1
    assert len([line for line in found if "invitation" in line]) == 1


def test_an_open_invitation_of_somebody_who_lost_the_role_is_found_at_night(cast, settings, acting, clock, dana):
    hold_everything(cast, settings, acting, dana)
    Member.update(role="staff").where(Member.id == dana.id).execute()
    assert [line for line in asked(clock) if "invitation" in line] != []


def test_the_address_of_a_removed_person_is_free_for_a_new_invitation(cast, settings, acting):
    team.remove(acting(cast.alice), settings, cast.bob)
    wish = invitations.Wish(cast.bob.email, "staff", "employee", None, "en")
    invitations.invite(acting(cast.alice), settings, cast.northwind, wish, "again")
    assert mails_to(cast.bob) == ["access_ended", "invitation"]


def test_a_removed_person_is_erased_after_its_time_and_the_team_stays(cast, settings, acting, clock):
    team.remove(acting(cast.alice), settings, cast.bob)
    clock.advance(days=31)
    housekeeping.purge(acting(), settings)
    assert fresh(cast.bob).name == f"former member #{cast.bob.id}"
    assert fresh(cast.alice).name == "Alice Adler"


def test_deactivation_ends_what_is_open_and_can_be_taken_back(cast, settings, acting, clock):
    token = sessions.begin(acting(cast.bob), cast.bob, settings)
    team.deactivate(acting(cast.alice), settings, cast.bob)
    team.deactivate(acting(cast.alice), settings, cast.bob)  # a second click
    assert sessions.recognise(token, clock.now(), settings) is None
    assert AuditEvent.select().where(AuditEvent.action == "member.deactivated").count() == 1
    with pytest.raises(log_in.AccessEnded):
        log_in.check(acting(), settings, cast.bob.email, PASSWORD)
    team.reactivate(acting(cast.alice), settings, cast.bob)
    assert log_in.check(acting(), settings, cast.bob.email, PASSWORD) == cast.bob
    assert mails_to(cast.bob) == ["access_ended", "access_back"]


def test_another_role_ends_the_sessions_of_the_old_one_and_is_told(cast, settings, acting, clock, dana):
    held = hold_everything(cast, settings, acting, dana)
    set_access(acting, settings, cast.alice, dana, role="viewer", relation="contractor")
    assert (fresh(dana).role, fresh(dana).relation) == ("viewer", "contractor")
    assert sessions.recognise(held["session"], clock.now(), settings) is None
    assert Invitation.get(Invitation.invited_by == dana).outcome == "void"
    assert "viewer" in Mail.get(Mail.recipient == dana.email, Mail.template == "access_changed").text
    event = AuditEvent.get(AuditEvent.action == "member.access_changed")
    assert (event.before["role"], event.after["role"]) == ("admin", "viewer")


def test_a_change_that_saw_another_state_is_refused_and_loses_nothing(cast, settings, acting):
    seen = team.worded(cast.bob)
    set_access(acting, settings, cast.alice, cast.bob, role="viewer")
    with pytest.raises(team.TeamStale):
        set_access(acting, settings, cast.alice, cast.bob, role="admin", seen=seen)
    assert fresh(cast.bob).role == "viewer"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"role": "owner"}, "role"),
        ({"relation": "cousin"}, "relation"),
        ({"until_on": date(2026, 3, 1)}, "access_until_on"),
    ],
)
def test_values_that_nobody_can_have_are_refused(cast, settings, acting, values, field):
    with pytest.raises(TeamRefused) as refused:
        set_access(acting, settings, cast.alice, cast.bob, **values)
    assert refused.value.field == field


LOSSES = {
    "removed": lambda acting, settings, by, who: team.remove(acting(by), settings, who),
    "deactivated": lambda acting, settings, by, who: team.deactivate(acting(by), settings, who),
    "demoted": lambda acting, settings, by, who: set_access(acting, settings, by, who, role="staff"),
    "ended": lambda acting, settings, by, who: set_access(acting, settings, by, who, until_on=LATER),
    "gone": lambda acting, settings, by, who: team.leave(acting(who), settings, who),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_whoever_binds_the_company_is_not_lost(cast, settings, acting, dana, loss):
    with pytest.raises(TeamRefused, match="Hand that over"):
        LOSSES[loss](acting, settings, dana, cast.alice)
    row = fresh(cast.alice)
    assert (row.active, row.role, row.access_until_on, row.removed_at) == (True, "admin", None, None)


@pytest.mark.parametrize("loss", ["demoted", "ended", "gone"])
def test_the_only_administrator_is_not_lost_by_an_own_act(cast, settings, acting, loss):
    Member.update(declared_authority=False).where(Member.id == cast.alice.id).execute()
    with pytest.raises(TeamRefused, match="only administrator"):
        LOSSES[loss](acting, settings, cast.alice, cast.alice)


def test_an_administrator_with_an_end_date_is_no_substitute(cast, settings, acting, dana):
    Member.update(declared_authority=True, access_until_on=LATER).where(Member.id == dana.id).execute()
    with pytest.raises(TeamRefused):
        team.remove(acting(dana), settings, cast.alice)


def test_two_administrators_who_remove_each_other_at_once_leave_one(cast, settings, acting, dana):
    Member.update(declared_authority=True).where(Member.id == dana.id).execute()

    def remove(pair):
        by, who = pair
        with database.connection_context():
            try:
                team.remove(acting(by), settings, who)
            except (TeamRefused, NotFound):
                return "refused"
            return "removed"

    with ThreadPoolExecutor(2) as threads:
        done = sorted(threads.map(remove, [(cast.alice, dana), (dana, cast.alice)], timeout=30))
    assert done == ["refused", "removed"]
    assert Member.select().where(Member.partner == cast.northwind, Member.role == "admin", Member.active).count() == 1


def test_whoever_leaves_is_out_and_the_administrators_are_told(cast, settings, acting, clock):
    token = sessions.begin(acting(cast.bob), cast.bob, settings)
    team.leave(acting(cast.bob), settings, cast.bob)
    assert sessions.recognise(token, clock.now(), settings) is None
    assert fresh(cast.bob).removed_at == clock.now()
    assert mails_to(cast.alice) == ["team_news"]
    assert AuditEvent.get(AuditEvent.action == "member.left").actor_id == str(cast.bob.id)


@pytest.mark.parametrize("name", ["bob", "vera", "charlie", "olga"])
def test_nobody_else_decides_about_a_team(cast, settings, acting, name):
    with pytest.raises(NotFound):
        team.deactivate(acting(getattr(cast, name)), settings, cast.vera if name != "vera" else cast.bob)
    assert fresh(cast.vera).active


def test_a_distributor_decides_about_its_partners_team_and_nobody_elses(cast, settings, acting):
    Partner.update(parent=cast.contoso).where(Partner.id == cast.northwind.id).execute()
    with pytest.raises(NotFound):  # above it, and no distributor
        team.deactivate(acting(cast.charlie), settings, cast.bob)
    Partner.update(kind="distributor").where(Partner.id == cast.contoso.id).execute()
    team.deactivate(acting(cast.charlie), settings, cast.bob)
    assert not fresh(cast.bob).active
    assert AuditEvent.get(AuditEvent.action == "member.deactivated").partner_id == cast.northwind.id
    with pytest.raises(NotFound):  # and not the other way round
        team.deactivate(acting(cast.alice), settings, cast.charlie)


def test_the_last_day_of_access_is_whole_and_is_the_providers(cast, settings, acting, clock):
    """The provider's day in Berlin ends at 23:00 UTC."""
    set_access(acting, settings, cast.alice, cast.bob, until_on=date(2026, 3, 2))
    clock.advance(hours=13, minutes=59)
    token = sessions.begin(acting(cast.bob), cast.bob, settings)
    assert sessions.recognise(token, clock.now(), settings) is not None
    clock.advance(minutes=1)
    assert sessions.recognise(token, clock.now(), settings) is None
    with pytest.raises(log_in.AccessEnded):
        log_in.check(acting(), settings, cast.bob.email, PASSWORD)


def test_administrators_are_told_a_week_and_a_day_before_and_then_all_that_is_left_ends(cast, settings, acting, clock):
    set_access(acting, settings, cast.alice, cast.bob, until_on=date(2026, 3, 12))
    assert access_ends.sweep(acting(), settings) == []
    for days, told in ((3, 1), (1, 1), (5, 2), (1, 2)):
        clock.advance(days=days)
        access_ends.sweep(acting(), settings)
        access_ends.sweep(acting(), settings)
        assert mails_to(cast.alice).count("access_ends") == told
    sessions.begin(acting(cast.bob), cast.bob, settings)
    clock.advance(days=1)
    access_ends.sweep(acting(), settings)
    assert not Session.select().where(Session.member == cast.bob, Session.ended_at.is_null()).exists()
    assert mails_to(cast.bob)[-1] == "access_ended"
    assert [row.days for row in AccessTold.select().order_by(AccessTold.id)] == [7, 1, 0]
    assert access_ends.sweep(acting(), settings) == []


def test_binding_the_company_moves_when_the_other_administrator_accepts(cast, settings, acting, clock, dana):
    authority.offer(acting(cast.alice), settings, cast.alice, dana.public_id)
    assert fresh(cast.alice).declared_authority
    assert authority.open_offer(cast.northwind, clock.now()).to_member == dana
    authority.accept(acting(dana), settings, dana)
    assert (fresh(cast.alice).declared_authority, fresh(dana).declared_authority) == (False, True)
    assert mails_to(cast.alice) == mails_to(dana) == ["team_news", "team_news"]
    with pytest.raises(NotFound):
        authority.accept(acting(dana), settings, dana)
    team.remove(acting(dana), settings, cast.alice)
    assert not fresh(cast.alice).active


def test_an_offer_can_be_declined_taken_back_or_lapse(cast, settings, acting, clock, dana):
    for member, outcome in ((dana, "declined"), (cast.alice, "withdrawn")):
        authority.offer(acting(cast.alice), settings, cast.alice, dana.public_id)
        authority.decline(acting(member), member)
        assert AuthorityOffer.select().order_by(AuthorityOffer.id.desc()).get().outcome == outcome
    authority.offer(acting(cast.alice), settings, cast.alice, dana.public_id)
    clock.advance(days=7)
    with pytest.raises(NotFound):
        authority.accept(acting(dana), settings, dana)
    assert fresh(cast.alice).declared_authority


def test_only_who_holds_it_offers_it_and_only_to_a_fit_administrator(cast, settings, acting, dana):
    with pytest.raises(NotFound):
        authority.offer(acting(dana), settings, dana, cast.alice.public_id)
    with pytest.raises(TeamRefused):
        authority.offer(acting(cast.alice), settings, cast.alice, cast.bob.public_id)
    with pytest.raises(NotFound):
        authority.offer(acting(cast.alice), settings, cast.alice, cast.charlie.public_id)
    Member.update(access_until_on=LATER).where(Member.id == dana.id).execute()
    with pytest.raises(TeamRefused):
        authority.offer(acting(cast.alice), settings, cast.alice, dana.public_id)


def test_the_list_says_who_was_here_when(cast, settings, acting, clock):
    sessions.begin(acting(cast.bob), cast.bob, settings)
    Member.update(access_until_on=clock.now().date() - timedelta(days=1)).where(Member.id == cast.vera.id).execute()
    listed = {entry.member.name: entry for entry in team.entries(cast.northwind, clock.now(), settings)}
    assert listed["Bob Brandt"].last_seen_at == clock.now()
    assert (listed["Alice Adler"].last_seen_at, listed["Alice Adler"].state) == (None, "active")
    assert (listed["Vera Vogt"].state, listed["Vera Vogt"].second_factor) == ("over", False)
