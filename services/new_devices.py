"""A mail to whoever signs in on a device that the portal does not know of them (T10)."""

from models.base import write_tx
from models.operator import Operator
from models.partner import Member
from models.session import Session
from services import people, second_factor
from services.audit import Act
from services.devices import device
from services.settings import Settings


def tell(act: Act, settings: Settings, person: Member | Operator, *, known: bool) -> None:
    """To be called before the session begins. Nobody is told of the very first log-in: it is how the account began."""
    if known or not Session.select().where(people.owned(Session, person)).exists():
        return
    seen = device(act.user_agent)
    with write_tx():
        second_factor.tell(
            act, settings, person, "new_device", browser=seen.browser, system=seen.system, network=act.ip
        )
