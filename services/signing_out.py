"""An operator ends the log-ins of a partner's member: a device was lost, or somebody else uses it (threats.md 28)."""

from models.base import write_tx
from models.partner import Member, Partner
from services import sessions, team
from services.audit import Act, record
from services.settings import Settings
from services.team_rules import lock_partners, locked_member, own_member


def sign_out(act: Act, settings: Settings, partner: Partner, public_id: str) -> Member:
    """Ends every log-in of the member, who may sign in again and is told by mail. Raises NotFound."""
    with write_tx():
        known = lock_partners(partner.id)[partner.id]
        member = locked_member(known, own_member(known, public_id).id)
        ended = sessions.end_all(act, member, "ended by the provider")
        record(act, "member.signed_out", member, partner=known, after={"number": ended})
        team.tell(act, settings, member, "signed_out")
    return member
