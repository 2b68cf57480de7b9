"""Persons of the provider: added by an owner or on the command line, set up by a link that works once."""

from email_validator import EmailNotValidError, validate_email

from models.base import locked, write_tx
from models.operator import OPERATOR_RIGHTS, Operator
from models.partner import Member
from services import links, mail, operator_access
from services.audit import Act, record
from services.clock import Clock
from services.people import email_key
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings

SETUP_PATH = "/operator/setup/"


class OperatorRefused(Refusal):
    """Nobody was added; the sentence says why."""


def add(act: Act, settings: Settings, email: str, name: str, right: str = "support") -> str:
    """Adds an operator, mails the set-up link (48 h) and returns its token.

    For somebody who has not set up a password yet this makes a new link, and the older one stops working. The first
    operator must be an owner, because nobody else could add the next. Who is to be more than support begins as support
    and waits for another owner, where there is one. Raises OperatorRefused.
    """
    _refuse_words(name, right)
    address = _address(email)
    with write_tx():
        operator = Operator.get_or_none(Operator.email_key == email_key(address))
        if operator is None:
            alone = right not in operator_access.HIGH or not operator_access.second_owner(act)
            operator = _create(act, settings, address, name.strip(), right if alone else "support")
            operator_access.set_right(act, settings, operator.id, right)
        elif operator.password_hash or not operator.active:
            raise OperatorRefused(N_("This person is an operator already."), "email")
        return _send_link(act, settings, operator)


def send_again(act: Act, settings: Settings, operator_id: int) -> None:
    """A new set-up link for somebody who has not set up the log-in; the older one stops working. Raises NotFound,
    OperatorRefused for who can sign in already and who has no access."""
    with write_tx():
        operator = locked(Operator.select().where(Operator.id == operator_id)).first()
        if operator is None:
            raise NotFound
        if operator.password_hash or not operator.active:
            raise OperatorRefused(N_("%(name)s has set up the log-in already, or has no access."), name=operator.name)
        _send_link(act, settings, operator)


def _send_link(act: Act, settings: Settings, operator: Operator) -> str:
    token = links.issue(act, "operator_setup", operator)
    until_at = links.look("operator_setup", token, act.at).expires_at
    mail.queue(
        act,
        settings,
        "operator_setup",
        to=operator.email,
        locale=operator.locale,
        of_partner=None,
        private=True,
        path=SETUP_PATH + token,
        name=operator.name,
        until_at=until_at,
    )
    return token


def known(operator_id: int) -> Operator:
    """Raises NotFound."""
    found = Operator.get_or_none(Operator.id == operator_id)
    if found is None:
        raise NotFound
    return found


def listed() -> list[Operator]:
    return list(Operator.select().order_by(Operator.name, Operator.id))


def add_from_command(settings: Settings, clock: Clock, email: str, name: str, right: str) -> list[str]:
    """Lines for whoever sits at the command line, the link among them. Raises OperatorRefused."""
    act = Act(at=clock.now(), actor_name="command line", source="command line")
    token = add(act, settings, email, name, right)
    return [
        f"{name.strip()} <{email.strip()}> is an operator with the right {right}.",
        f"Open this link within {links.HOURS['operator_setup']} hours and choose a password. It works once:",
        settings.public_url + SETUP_PATH + token,
    ]


def _create(act: Act, settings: Settings, address: str, name: str, right: str) -> Operator:
    if Member.select().where(Member.email_key == email_key(address)).exists():
        raise OperatorRefused(N_("This address belongs to a member of a partner. Use another one."), "email")
    if right != "owner" and not Operator.select().where(Operator.active, Operator.right == "owner").exists():
        raise OperatorRefused(N_("The first operator must be an owner: nobody else can add the next."), "right")
    operator = Operator.create(
        name=name,
        email=address,
        email_key=email_key(address),
        right=right,
        locale=settings.locales[0],
        time_zone=settings.provider.time_zone,
        created_at=act.at,
    )
    record(act, "operator.added", operator, after={"name": name, "right": right})
    return operator


def _refuse_words(name: str, right: str) -> None:
    if right not in OPERATOR_RIGHTS:
        raise OperatorRefused(N_("The right is one of %(rights)s."), "right", rights=", ".join(OPERATOR_RIGHTS))
    if not name.strip() or len(name) > 100 or any(ord(sign) < 32 for sign in name):
        raise OperatorRefused(N_("Enter the person's name, at most 100 characters."), "name")


def _address(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError as failure:
        raise OperatorRefused(N_("Enter a mail address such as name@example.com."), "email") from failure
