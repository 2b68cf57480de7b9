"""Links to many, reminders, and the figures of who has to agree until when."""

from datetime import timedelta

import pytest

from models import lists
from models.audit import AuditEvent
from models.flow_down import FlowDownLink, filtered
from models.lists import Asked
from models.outbox import Mail
from models.partner import Partner
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import flow_down_bulk, flow_down_figures, flow_down_links, flow_down_reminders, policy, sub_account_life
from services.flow_down_work import tend
from services.once import KeyReused
from services.site import House
from tests.accounts import many
from tests.services.flow_downs import Agreements
from tests.services.ground import Ground


@pytest.fixture
def agreements(cast, settings, clock) -> Agreements:
    """Rows that are made in great number have no books to check."""
    return Agreements(Ground(cast, settings, clock))


@pytest.fixture
def send(agreements, cast):
    def send_all(
        asked: Asked | None = None, once_key: str = "once-many", person=None, locale: str = "en"
    ) -> int | None:
        person = person or cast.alice
        sent = flow_down_bulk.send(agreements.act(person), person.partner, asked or Asked(), locale, once_key)
        return sent if sent is None else sent.links

    return send_all


def mails(template: str = "flow_down_link") -> int:
    return Mail.select().where(Mail.template == template).count()


# Many at once


def test_links_go_to_whom_the_filter_shows_and_who_has_neither_agreed_nor_refused(agreements, send, cast, clock):
    rows = agreements.one_of_each_state()
    selection = flow_down_bulk.selection(cast.northwind, Asked(), clock.now())
    assert selection.shown == 6 and set(selection.ids) == {rows["outdated"].id}
    clock.advance(days=1)
    selection = flow_down_bulk.selection(cast.northwind, Asked(), clock.now())
    assert set(selection.ids) == {rows[name].id for name in ("outdated", "none", "sent")}
    assert send(Asked(terms="outdated")) == 1
    link = FlowDownLink.get(FlowDownLink.sub_account == rows["outdated"])
    assert (link.token_hash, link.email, link.created_by) == (None, "kim@customer.example.com", "Alice Adler")


def test_the_worker_writes_the_mails_and_the_links_work(agreements, send, settings, clock):
    account = agreements.opened("Outdated", "attested")
    agreements.publish("2.0")
    assert send() == 1 and mails() == 0 and agreements.state(account) == "outdated"
    house = House(clock)
    tend(house, settings)
    tend(house, settings)
    assert mails() == 1 and agreements.accept(account).version.label == "2.0"


def test_the_mail_is_in_the_language_of_whoever_sent_it(agreements, send, settings, clock):
    agreements.opened("Outdated", "attested")
    agreements.publish("2.0")
    send(locale="de")
    flow_down_links.write_waiting(agreements.act(), settings)
    assert FlowDownLink.get().locale == "de" and Mail.get(Mail.template == "flow_down_link").recipient


def test_a_thousand_are_made_in_batches_and_mailed_in_rounds(agreements, send, cast, settings, clock):
    policy.change(agreements.act(cast.olga), {"flow_down_partner_mails": 1100})
    many(cast, clock.now(), 1100)
    assert send() == 1100 and FlowDownLink.select().count() == 1100
    assert AuditEvent.select().where(AuditEvent.action == "flow_down.link_sent").count() == 1100
    assert flow_down_links.write_waiting(agreements.act(), settings) == flow_down_links.MAILS_A_ROUND == mails()


def test_the_same_form_twice_sends_once_and_other_filters_are_said(agreements, send, cast, clock):
    many(cast, clock.now(), 3)
    assert (send(), send()) == (3, None)
    with pytest.raises(KeyReused):
        send(Asked(text="customer"))
    assert FlowDownLink.select().count() == 3


def test_who_got_one_today_is_left_out_and_tomorrow_it_is_replaced(agreements, send, cast, clock):
    many(cast, clock.now(), 2)
    assert (send(), send(once_key="once-again")) == (2, 0)
    clock.advance(days=1)
    assert send(once_key="once-later") == 2
    outcomes = sorted(link.outcome for link in FlowDownLink.select())
    assert outcomes == ["", "", "replaced", "replaced"]


def test_other_partners_customers_get_nothing(agreements, send, cast, clock):
    foreign = agreements.opened("Foreign", person=cast.charlie)
    clock.advance(days=1)
    assert send() == 0 and FlowDownLink.select().where(FlowDownLink.sub_account == foreign).count() == 1


def test_what_is_being_deleted_gets_nothing(agreements, send, cast, settings, clock):
    account = agreements.without_link("Gone")
    clock.advance(days=1)
    sub_account_life.delete(agreements.act(), settings, cast.northwind, account.number, account.name)
    assert send() == 0


@pytest.mark.parametrize("asked", [Asked(text="customer 000"), Asked(text="customer", terms="none"), Asked(text="1")])
def test_a_search_chooses_like_the_list(agreements, cast, clock, asked):

    many(cast, clock.now(), 60)
    shown = [row.id for row in lists.everything(cast.northwind, asked, clock.now())]
    assert sorted(lists.chosen(cast.northwind, asked, clock.now())) == sorted(shown)


# Reminders


def remind(agreements) -> int:
    return flow_down_reminders.remind(agreements.act(), agreements.ground.settings)


def test_a_week_later_the_customer_is_reminded_once(agreements, clock):
    account = agreements.opened("Müller GmbH")
    first = agreements.token(account)
    clock.advance(days=6, hours=23)
    assert remind(agreements) == 0
    clock.advance(hours=1)
    assert (remind(agreements), remind(agreements)) == (1, 0)
    assert mails() == 2 and agreements.token(account) != first
    assert "An answer" in Mail.select().order_by(Mail.id.desc()).get().text
    clock.advance(days=20)
    assert remind(agreements) == 0 and agreements.accept(account)


@pytest.mark.parametrize("answer", ["accept", "decline", "attest", "withdraw", "delete", "suspend partner"])
def test_nobody_is_reminded_who_answered_or_need_not(agreements, clock, cast, settings, answer):
    account = agreements.opened("Müller GmbH")
    clock.advance(days=5)
    if answer == "withdraw":
        flow_down_links.withdraw(agreements.act(), cast.northwind, account.number)
    elif answer == "delete":
        sub_account_life.delete(agreements.act(), settings, cast.northwind, account.number, account.name)
    elif answer == "suspend partner":
        Partner.update(state="suspended").where(Partner.id == cast.northwind.id).execute()
    else:
        getattr(agreements, answer)(account)
    clock.advance(days=5)
    assert remind(agreements) == 0


def test_before_the_time_for_renewal_is_over_there_is_a_last_reminder(agreements, clock):
    account = agreements.opened("Müller GmbH", "attested")
    agreements.publish("2.0")
    clock.advance(days=30)
    agreements.send(account)
    clock.advance(days=7)
    assert remind(agreements) == 1
    clock.advance(days=15)
    assert remind(agreements) == 0
    clock.advance(days=1)
    assert (remind(agreements), remind(agreements)) == (1, 0)
    assert [link.cause for link in FlowDownLink.select().order_by(FlowDownLink.id)] == ["asked", "reminder", "renewal"]
    clock.advance(days=8)
    assert remind(agreements) == 0


def test_nobody_is_reminded_who_was_not_sent_a_link(agreements, clock):
    agreements.opened("Müller GmbH", "attested")
    agreements.publish("2.0")
    clock.advance(days=55)
    assert remind(agreements) == 0


def test_a_round_is_bounded(agreements, cast, clock, send):
    many(cast, clock.now(), 130)
    send()
    clock.advance(days=7)
    assert (remind(agreements), remind(agreements), remind(agreements)) == (100, 30, 0)


# Figures


def test_the_figures_say_who_agreed_who_is_missing_and_who_has_to_renew_until_when(agreements, cast, clock):
    rows = agreements.one_of_each_state()
    figures = flow_down_figures.of_partner(cast.northwind, clock.now())
    assert (figures.agreed, figures.missing, figures.waiting, figures.refused) == (2, 1, 1, 1)
    assert figures.renew == [(clock.now() + timedelta(days=60), 1)] and figures.outdated == 1
    assert flow_down_figures.of_partner(cast.contoso, clock.now()).agreed == 0
    SubAccount.update(wanted_state="deleted").where(SubAccount.id == rows["outdated"].id).execute()
    assert flow_down_figures.of_partner(cast.northwind, clock.now()).renew == []


def test_the_figures_count_what_the_list_shows(agreements, cast, clock):
    rows, at = agreements.one_of_each_state(), clock.now()
    agreements.send(rows["outdated"])
    figures = flow_down_figures.of_partner(cast.northwind, at)
    counts = {name: SubAccount.select().where(filtered(name, at)).count() for name in ("none", "sent", "declined")}
    assert counts == {"none": figures.missing, "sent": figures.waiting, "declined": figures.refused}
    assert counts == {"none": 1, "sent": 2, "declined": 1}
    clock.advance(days=30)  # links that ended by themselves wait no more
    figures = flow_down_figures.of_partner(cast.northwind, clock.now())
    assert (figures.missing, figures.waiting, figures.refused) == (2, 0, 1)


def test_two_elder_versions_have_two_dates(agreements, cast, clock):
    agreements.opened("First", "attested")
    clock.advance(days=1)
    agreements.publish("2.0")
    agreements.opened("Second", "attested")
    clock.advance(days=10)
    agreements.publish("3.0")
    figures = flow_down_figures.of_partner(cast.northwind, clock.now())
    assert figures.renew == [(clock.now() + timedelta(days=50), 1), (clock.now() + timedelta(days=60), 1)]
    assert TermsVersion.select().where(TermsVersion.kind == "flow_down").count() == 6
