"""The erasure of one person as a command of whoever runs the portal."""

from models.partner import Member
from services import erasure
from services.audit import Act
from services.command_line import NotDone
from services.people import email_key
from services.settings import Settings


def member_from_command(act: Act, settings: Settings, email: str) -> list[str]:
    """Raises NotDone for an address that no member has, ErasureRefused for the only administrator."""
    member = Member.get_or_none(Member.email_key == email_key(email))
    if member is None:
        raise NotDone("no member of a partner has this mail address")
    done = erasure.erase_member(act, settings, member)
    return [f"erased: what stays is under former member #{member.id}; {done.archived_rows} records are archived by law"]
