"""Who acts while sample data are made: the command itself, or the sample people it made."""

from models.operator import Operator
from models.partner import Member
from services.audit import Act
from services.clock import Clock


def command(clock: Clock) -> Act:
    return Act(at=clock.now(), actor_name="sample data", source="cli")


def as_person(person: Member | Operator, clock: Clock) -> Act:
    kind = person._meta.table_name
    return Act(at=clock.now(), kind=kind, actor_id=str(person.id), actor_name=person.name, source="cli")
