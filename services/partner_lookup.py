"""A partner by what an operator types: its number in brackets, its name, or the number of one of its contracts."""

import re

from peewee import fn

from models.contract import Contract
from models.partner import Partner
from services import names
from services.refusal import N_, Refusal

MOST_NAMED = 5


class NotOne(Refusal):
    """No partner fits what was typed, or several do."""


def written(partner: Partner) -> str:
    """How a partner stands in a field, so that it is found again even if another has the same name."""
    return f"{partner.legal_name} ({partner.id})"


def named(text: str, field: str) -> Partner:
    """The one partner that fits. Raises NotOne, which names a few where several fit."""
    number = re.search(r"\((\d{1,18})\)\s*$", text)
    if number and (found := Partner.get_or_none(Partner.id == int(number[1]))):
        return found
    wanted = names.key(text)
    if not wanted:
        raise NotOne(N_("Enter the name of a partner, or the number of a contract."), field)
    by_number = Contract.select(Contract.partner).where(fn.LOWER(Contract.number) == wanted)
    exact = list(Partner.select().where((Partner.name_key == wanted) | Partner.id.in_(by_number)).limit(2))
    if len(exact) == 1:
        return exact[0]
    fits = Partner.select().where(Partner.name_key.contains(wanted)).order_by(Partner.name_key, Partner.id)
    several = list(fits.limit(MOST_NAMED))
    if not several:
        raise NotOne(N_("No partner fits “%(typed)s”. Check the name."), field, typed=text.strip())
    if len(several) == 1:
        return several[0]
    said = "; ".join(written(partner) for partner in several)
    raise NotOne(
        N_("Several partners fit “%(typed)s”. Copy one of these: %(said)s"), field, typed=text.strip(), said=said
    )
