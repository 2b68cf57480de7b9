"""The provider's staff and mail domains: that a domain is a partner's is said by the partner and confirmed here, by a
second pair of eyes. Until then it signs nobody in."""

from peewee import IntegrityError

from models.base import locked, write_tx
from models.partner import Partner
from models.sso import SsoDomain
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal
from services.settings import Settings
from services.sso import tell_admins


class DomainTaken(Refusal):
    def __init__(self, domain: str):
        super().__init__(N_("%(domain)s is confirmed for another company. Take it back there first."), domain=domain)


def listed() -> list[SsoDomain]:
    """All domains with their partners: those that wait first, the oldest of them at the top."""
    rows = SsoDomain.select(SsoDomain, Partner).join(Partner)
    return list(rows.order_by(SsoDomain.confirmed_at.is_null(False), SsoDomain.asked_at, SsoDomain.id).limit(500))


def waiting() -> int:
    return SsoDomain.select().where(SsoDomain.confirmed_at.is_null()).count()


def confirm(act: Act, settings: Settings, domain_id: int) -> SsoDomain:
    """From now on the partner's log-in signs in members with addresses of the domain. Raises NotFound, DomainTaken."""
    seen = _get(domain_id)
    try:
        with write_tx():
            row = _locked(seen)
            if row.confirmed_at is not None:
                return row
            row.confirmed_at, row.confirmed_by, row.confirmed_name = act.at, f"operator:{act.actor_id}", act.actor_name
            row.save()
            record(act, "sso_domain.confirmed", row, partner=row.partner_id, after={"domain": row.domain})
            tell_admins(act, settings, row.partner, "confirmed", domain=row.domain)
    except IntegrityError as failure:  # one partner at most: the index says so, also to two at once
        raise DomainTaken(seen.domain) from failure
    return row


def refuse(act: Act, settings: Settings, domain_id: int, note: str) -> SsoDomain:
    """The domain leaves the partner's list, also one that was confirmed; the partner is told why. Raises NotFound."""
    note = note.strip()
    if not 1 <= len(note) <= 500:
        raise Refusal(N_("Write in at most 500 characters why. The company reads it."), "note")
    seen = _get(domain_id)
    with write_tx():
        row = _locked(seen)
        row.delete_instance()
        record(
            act, "sso_domain.refused", row, partner=row.partner_id, before={"domain": row.domain}, after={"note": note}
        )
        tell_admins(act, settings, row.partner, "refused", domain=row.domain, note=note)
    return row


def _get(domain_id: int) -> SsoDomain:
    row = SsoDomain.get_or_none(SsoDomain.id == domain_id)
    if row is None:
        raise NotFound
    return row


def _locked(seen: SsoDomain) -> SsoDomain:
    locked(Partner.select().where(Partner.id == seen.partner_id)).get()
    return _get(seen.id)
