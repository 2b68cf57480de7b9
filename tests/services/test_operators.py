from dataclasses import replace

import pytest

from models.audit import AuditEvent
from models.operator import Operator
from models.outbox import Mail
from services import links, operators, passwords
from services.links import LinkExpired
from services.operators import OperatorRefused


def test_the_first_operator_is_an_owner_with_a_link_that_works_once(db, settings, acting, clock):
    token = operators.add(acting(), settings, " Olga@Provider.example.com", "Olga Olsen", "owner")
    operator = Operator.get()
    assert (operator.name, operator.right, operator.email_key) == ("Olga Olsen", "owner", "olga@provider.example.com")
    assert not passwords.matches(operator.password_hash, "")
    assert links.person_of(links.look("operator_setup", token, clock.now())) == operator
    mail = Mail.get()
    assert (mail.recipient, mail.private) == (operator.email, True)
    assert f"{settings.public_url}/operator/setup/{token}" in mail.text


def test_a_new_operator_has_the_providers_zone_and_the_portals_first_language(db, settings, acting):
    german = replace(settings, locales=("de", "en"))
    operators.add(acting(), german, "olga@provider.example.com", "Olga Olsen", "owner")
    assert (Operator.get().time_zone, Operator.get().locale) == ("Europe/Berlin", "de")
    assert "Guten Tag" in Mail.get().text


def test_the_first_operator_cannot_be_less_than_an_owner(db, settings, acting):
    with pytest.raises(OperatorRefused) as refused:
        operators.add(acting(), settings, "oscar@provider.example.com", "Oscar Otto", "support")
    assert refused.value.field == "right"
    assert not Operator.select().exists()


def test_a_lost_link_is_replaced_and_stops_working(db, settings, acting, clock):
    lost = operators.add(acting(), settings, "olga@provider.example.com", "Olga Olsen", "owner")
    fresh = operators.add(acting(), settings, "olga@provider.example.com", "Olga Olsen", "owner")
    assert Operator.select().count() == 1
    with pytest.raises(LinkExpired):
        links.look("operator_setup", lost, clock.now())
    links.look("operator_setup", fresh, clock.now())


def test_whoever_is_an_operator_already_is_not_added_again(cast, settings, acting):
    with pytest.raises(OperatorRefused, match="already"):
        operators.add(acting(cast.olga), settings, cast.oscar.email.upper(), "Oscar Otto", "owner")
    assert Operator.get_by_id(cast.oscar.id).right == "support"


def test_a_members_address_is_refused_because_both_sign_in_on_one_page(cast, settings, acting):
    with pytest.raises(OperatorRefused, match="belongs to a member"):
        operators.add(acting(cast.olga), settings, cast.alice.email, "Alice Adler", "support")


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com", "a@example.com\nBcc: b@example.com"])
def test_a_broken_address_is_refused(cast, settings, acting, email: str):
    with pytest.raises(OperatorRefused) as refused:
        operators.add(acting(cast.olga), settings, email, "Nobody", "support")
    assert refused.value.field == "email"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "Two\nLines"])
def test_a_name_is_needed(cast, settings, acting, name: str):
    with pytest.raises(OperatorRefused) as refused:
        operators.add(acting(cast.olga), settings, "new@example.com", name, "support")
    assert refused.value.field == "name"


def test_an_unknown_right_is_refused(cast, settings, acting):
    with pytest.raises(OperatorRefused) as refused:
        operators.add(acting(cast.olga), settings, "new@example.com", "New Person", "king")
    assert refused.value.field == "right"


def test_adding_leaves_one_trail_without_the_token(cast, settings, acting):
    token = operators.add(acting(cast.olga), settings, "new@example.com", "New Person", "manager")
    events = list(AuditEvent.select().where(AuditEvent.action == "operator.added"))
    assert [(event.actor_name, event.after["right"]) for event in events] == [("Olga Olsen", "manager")]
    assert all(token not in str(vars(event)) for event in AuditEvent.select())


def test_the_command_prints_the_link(db, settings, clock):
    lines = operators.add_from_command(settings, clock, "olga@provider.example.com", "Olga Olsen", "owner")
    token = lines[-1].removeprefix(f"{settings.public_url}/operator/setup/")
    links.look("operator_setup", token, clock.now())
    assert "48 hours" in lines[1]


def test_operators_are_listed_by_name(cast):
    assert [operator.name for operator in operators.listed()] == ["Olga Olsen", "Oscar Otto"]
