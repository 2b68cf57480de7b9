"""Invitations: one link, one address, one use, in the name of somebody who may still invite."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from models.audit import AuditEvent
from models.base import database
from models.outbox import Mail
from models.partner import Member, Partner
from models.team import Invitation
from models.terms import Acceptance
from services import consent, invitations, joining, log_in, policy, promises, team
from services.attempts import TooManyAttempts
from services.company_details import DetailRefused
from services.links import LinkExpired, LinkUsed
from services.passwords import PasswordRefused
from services.refusal import NotFound
from services.team_rules import TeamRefused
from tests.applicants import applicant
from tests.cast import _member

NEW = "eve@example.com"
SECRET = "seven green lanterns by the river"


@pytest.fixture
def sent(cast, settings, acting):
    """`sent(by=…)` -> the token in the mail, which no table holds."""

    def send(by=None, partner=None, email=NEW, role="staff", once_key=None, **more) -> str:
        by = by or cast.alice
        values = {"relation": "contractor", "access_until_on": None, "locale": "en"} | more
        key = once_key or f"once-{Invitation.select().count()}"
        wish = invitations.Wish(email, role, **values)
        invitations.invite(acting(by), settings, partner or by.partner, wish, key)
        return token_in(Mail.select().order_by(Mail.id.desc()).get())

    return send


def token_in(mail: Mail) -> str:
    return mail.text.split("/invitation/")[1].split()[0] if "/invitation/" in mail.text else ""


def choice(clock, **changed) -> joining.Choice:
    agreed = [(version.id, version.sha256) for version in joining.texts("en", clock.now())]
    values = {"name": "Eve Ebert", "password": SECRET, "locale": "en", "agreed": agreed, "shown": {}}
    return joining.Choice(**values | changed)


def join(acting, settings, clock, token, **changed) -> Member:
    return joining.accept(acting(), settings, token, choice(clock, **changed))


def test_whoever_is_invited_joins_with_what_was_written_and_signs_in(cast, settings, acting, clock, sent):
    until_on = date(2026, 12, 31)
    token = sent(access_until_on=until_on)
    mail = Mail.get(Mail.template == "invitation")
    assert (mail.recipient, mail.private) == (NEW, True)
    eve = join(acting, settings, clock, token)
    assert (eve.partner_id, eve.role, eve.relation, eve.access_until_on) == (
        cast.northwind.id, "staff", "contractor", until_on,
    )  # fmt: skip
    assert log_in.check(acting(), settings, NEW, SECRET) == eve
    assert consent.missing_kinds(eve, clock.now()) == []
    assert [row.version.kind for row in Acceptance.select().where(Acceptance.member == eve)] == ["privacy_notice"]
    assert Mail.select().where(Mail.recipient == cast.alice.email, Mail.template == "team_news").count() == 1
    assert AuditEvent.get(AuditEvent.action == "member.joined").actor_id == str(eve.id)
    assert list(promises.check(clock.now())) == []


def test_the_token_is_in_the_mail_and_nowhere_else(cast, sent):
    token = sent()
    assert token not in str([*Invitation.select().dicts(), *AuditEvent.select().dicts()])


def test_a_link_works_once(cast, settings, acting, clock, sent):
    token = sent()
    join(acting, settings, clock, token)
    with pytest.raises(LinkUsed):
        join(acting, settings, clock, token, name="Mallory")


def test_of_two_who_use_a_link_at_once_one_joins(cast, settings, acting, clock, sent):
    token, made = sent(), choice(clock)

    def use(_number):
        with database.connection_context():
            try:
                joining.accept(acting(), settings, token, made)
            except (LinkUsed, joining.AddressTaken):
                return "refused"
            return "joined"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(use, (1, 2), timeout=30)) == ["joined", "refused"]
    assert Member.select().where(Member.email == NEW).count() == 1


def test_removal_of_who_invited_and_acceptance_at_once_never_both_count(cast, settings, acting, clock, sent):
    dana = _member(cast.northwind, "Dana Dorn", "admin", clock.now())
    token, made = sent(by=dana), choice(clock)

    def accept():
        with database.connection_context():
            try:
                joining.accept(acting(), settings, token, made)
            except joining.InvitationVoid:
                return "void"
            return "joined"

    def remove():
        with database.connection_context():
            team.remove(acting(cast.alice), settings, dana)

    with ThreadPoolExecutor(2) as threads:
        joined, removed = threads.submit(accept), threads.submit(remove)
        removed.result(30)
        outcome = Invitation.get().outcome
        assert (joined.result(30), outcome) in (("joined", "accepted"), ("void", "void"))


def test_a_link_lasts_48_hours(cast, settings, acting, clock, sent):
    token = sent()
    clock.advance(hours=47, minutes=59)
    joining.look(settings, token, clock.now())
    clock.advance(minutes=1)
    with pytest.raises(LinkExpired):
        join(acting, settings, clock, token)


def test_looking_changes_nothing_and_an_unknown_link_is_not_found(cast, settings, clock, sent):
    token = sent()
    before = list(Invitation.select().dicts())
    joining.look(settings, token, clock.now())
    assert list(Invitation.select().dicts()) == before
    with pytest.raises(NotFound):
        joining.look(settings, "x" * 43, clock.now())


def demoted(cast):
    Member.update(role="staff").where(Member.id == cast.alice.id).execute()


def switched_off(cast):
    Member.update(active=False).where(Member.id == cast.alice.id).execute()


def ended(cast):
    Member.update(access_until_on=date(2026, 3, 1)).where(Member.id == cast.alice.id).execute()


def closed(cast):
    Partner.update(state="closed").where(Partner.id == cast.northwind.id).execute()


@pytest.mark.parametrize("lost", [demoted, switched_off, ended, closed])
def test_an_invitation_holds_only_while_its_sender_may_invite(cast, settings, acting, clock, sent, lost):
    """Whatever took the right away, also past the rules that end invitations."""
    token = sent()
    lost(cast)
    with pytest.raises(joining.InvitationVoid):
        join(acting, settings, clock, token)
    assert not Member.select().where(Member.email == NEW).exists()


def test_a_new_invitation_ends_the_old_one_and_sending_again_is_one(cast, settings, acting, clock, sent):
    first, second = sent(), sent()
    with pytest.raises(LinkExpired):
        joining.look(settings, first, clock.now())
    (row,) = invitations.open_ones(cast.northwind, clock.now())
    invitations.resend(acting(cast.alice), settings, cast.northwind, row.public_id, "again")
    invitations.resend(acting(cast.alice), settings, cast.northwind, row.public_id, "again")  # sent twice
    assert Invitation.select().count() == 3
    with pytest.raises(LinkExpired):
        joining.look(settings, second, clock.now())
    join(acting, settings, clock, token_in(Mail.select().order_by(Mail.id.desc()).get()))


def test_a_withdrawn_invitation_lets_nobody_in(cast, settings, acting, clock, sent):
    token = sent()
    (row,) = invitations.open_ones(cast.northwind, clock.now())
    assert row.invited_by.name == "Alice Adler"
    for _twice in (1, 2):
        invitations.withdraw(acting(cast.alice), settings, cast.northwind, row.public_id)
    with pytest.raises(joining.InvitationVoid):
        join(acting, settings, clock, token)
    with pytest.raises(NotFound):
        invitations.withdraw(acting(cast.charlie), settings, cast.contoso, row.public_id)


@pytest.mark.parametrize("name", ["charlie", "olga"])
def test_an_address_with_a_log_in_elsewhere_answers_alike_and_its_owner_is_told(
    cast, settings, acting, clock, sent, name
):
    owner = getattr(cast, name)
    assert sent(email=owner.email) == ""
    mail = Mail.get(Mail.recipient == owner.email)
    assert (mail.template, mail.partner_id) == ("invitation_known", getattr(owner, "partner_id", None))
    listed = invitations.open_ones(cast.northwind, clock.now())
    assert [(row.email, row.outcome) for row in listed] == [(owner.email, "")]


def test_somebody_of_the_own_team_is_not_invited_again(cast, sent):
    with pytest.raises(TeamRefused, match="in the team already"):
        sent(email=cast.bob.email.upper())


def test_an_address_that_got_a_log_in_meanwhile_is_refused(cast, settings, acting, clock, sent):
    token = sent()
    other = _member(cast.contoso, "Eve Ebert", "staff", clock.now())
    Member.update(email=NEW, email_key=NEW).where(Member.id == other.id).execute()
    with pytest.raises(joining.AddressTaken):
        join(acting, settings, clock, token)


def test_an_unfinished_sign_up_does_not_block_the_owner_of_the_address(cast, settings, acting, clock, sent):
    stranger = applicant(clock.now(), "Squatters AG", state="draft").members.get()
    Member.update(email=NEW, email_key=NEW, email_confirmed_at=None).where(Member.id == stranger.id).execute()
    eve = join(acting, settings, clock, sent())
    assert log_in.check(acting(), settings, NEW, SECRET) == eve


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"name": "https://evil.example.com"}, DetailRefused),
        ({"password": "eve ebert northwind"}, PasswordRefused),
        ({"agreed": []}, consent.ConsentMissing),
        ({"agreed": [(1, "0" * 64)]}, consent.ConsentStale),
        ({"locale": "xx"}, TeamRefused),
    ],
)
def test_a_choice_that_does_not_do_leaves_the_link_open(cast, settings, acting, clock, sent, changed, refusal):
    token = sent()
    with pytest.raises(refusal):
        join(acting, settings, clock, token, **changed)
    join(acting, settings, clock, token)


def test_guesses_at_links_are_counted_before_they_are_looked_at(cast, settings, acting, clock):
    for _time in range(20):
        with pytest.raises(NotFound):
            join(acting, settings, clock, "x" * 43)
    with pytest.raises(TooManyAttempts):
        join(acting, settings, clock, "x" * 43)


def test_a_partner_and_an_address_have_their_number_a_day(cast, settings, acting, clock, sent):
    policy.change(acting(cast.olga), {"invitations_a_day": 6})
    for _time in range(5):
        sent()
    with pytest.raises(TeamRefused, match="several times today"):
        sent()
    sent(email="fay@example.com")
    with pytest.raises(TeamRefused, match="within a day"):
        sent(email="gus@example.com")
    clock.advance(days=1, minutes=1)
    sent(email="gus@example.com")


def test_the_same_form_sent_twice_invites_once(cast, sent):
    sent(once_key="form")
    sent(once_key="form")
    assert (Invitation.select().count(), Mail.select().where(Mail.template == "invitation").count()) == (1, 1)


def test_a_distributor_invites_into_its_partners_team_while_it_is_one(cast, settings, acting, clock, sent):
    Partner.update(kind="distributor").where(Partner.id == cast.contoso.id).execute()
    with pytest.raises(NotFound):
        sent(by=cast.charlie, partner=cast.northwind)
    Partner.update(parent=cast.contoso).where(Partner.id == cast.northwind.id).execute()
    token = sent(by=cast.charlie, partner=cast.northwind)
    Partner.update(parent=None).where(Partner.id == cast.northwind.id).execute()
    with pytest.raises(joining.InvitationVoid):
        join(acting, settings, clock, token)
    Partner.update(parent=cast.contoso).where(Partner.id == cast.northwind.id).execute()
    assert join(acting, settings, clock, token).partner == cast.northwind


def test_old_invitations_go_at_night(cast, settings, acting, clock, sent):
    from services import housekeeping

    sent()
    clock.advance(days=33)
    housekeeping.purge(acting(), settings)
    assert not Invitation.select().exists()
