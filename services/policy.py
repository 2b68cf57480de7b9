"""Rules that the provider's staff set while the portal runs. What differs from the default stands in the database."""

from dataclasses import dataclass, fields

from models.audit import AuditEvent
from models.base import locked, write_tx
from models.installation import Installation
from models.policy import PolicyValue
from services.audit import Act, record
from services.refusal import N_, Refusal


@dataclass(frozen=True)
class Policy:
    """Days are days of the calendar, percents are whole."""

    # documents (T1, T5; legal.md 4.2): told so long before, and time to agree after that
    terms_notice_days: int = 30
    terms_grace_days: int = 30
    # fair use of decreases, per contract (T14; domain.md, rule 7); a contract may have its own
    fair_use_window_days: int = 30
    fair_use_decreases: int = 4
    fair_use_percent: int = 25
    # terms for end customers (T2)
    flow_down_before_keys: bool = False
    flow_down_renewal_days: int = 60
    # mails with links a day: one person may answer for several sub-accounts; 500 customers at once, with a second round
    flow_down_address_mails: int = 20
    flow_down_partner_mails: int = 1000
    # details of partners (T8)
    confirm_details_days: int = 180
    confirm_grace_days: int = 30
    # people of partners (T4)
    invitations_a_day: int = 30
    # deletions that somebody has alone within a day (threats.md 28): an administrator, an operator who releases
    deletions_alone: int = 5
    releases_alone: int = 20
    # end of contract (T19; Regulation (EU) 2023/2854, chapter VI: retrieval of at least 30 days)
    transition_days: int = 30
    retrieval_days: int = 30
    # how long what tells of persons is kept (docs/retention.md): never longer than the privacy notice promises
    access_ip_days: int = 30
    mail_text_days: int = 90
    refused_sign_up_days: int = 90
    security_log_days: int = 366


BOUNDS: dict[str, tuple[int, int]] = {
    "terms_notice_days": (30, 366),
    "terms_grace_days": (0, 366),
    "fair_use_window_days": (1, 366),
    "fair_use_decreases": (0, 1000),
    "fair_use_percent": (0, 100),
    "flow_down_renewal_days": (1, 366),
    "flow_down_address_mails": (1, 1000),
    "flow_down_partner_mails": (10, 100_000),
    "confirm_details_days": (30, 1096),
    "confirm_grace_days": (1, 366),
    "invitations_a_day": (1, 500),
    "deletions_alone": (1, 100),
    "releases_alone": (1, 100),
    "transition_days": (0, 60),
    "retrieval_days": (30, 366),
    "access_ip_days": (7, 30),
    "mail_text_days": (7, 90),
    "refused_sign_up_days": (30, 90),
    "security_log_days": (30, 366),
}


class PolicyRefused(Refusal):
    """The rules stay as they were."""


def latest(most: int) -> list[AuditEvent]:
    """The last changes of rules."""
    changed = AuditEvent.select().where(AuditEvent.action == "policy.changed", AuditEvent.thing_kind == "policy")
    return list(changed.order_by(AuditEvent.id.desc()).limit(most))


def current() -> Policy:
    """The rules in force. One query."""
    known = {field.name for field in fields(Policy)}
    return Policy(**{row.name: row.value for row in PolicyValue.select() if row.name in known})


class PolicyStale(PolicyRefused):
    """Somebody else set one of these rules since the member of staff looked at them."""


def change(act: Act, wanted: dict[str, int | bool], *, seen: Policy | None = None) -> Policy:
    """Sets rules by name, all or none; names that are left out keep their value. Raises PolicyRefused with the field
    that is out of bounds, PolicyStale when one of them is not any more as it was `seen`."""
    for name, value in wanted.items():
        _refuse(name, value)
    with write_tx():
        list(locked(Installation.select()))  # one row: two who set rules at once take turns
        before = current()
        for name in wanted if seen else ():
            if getattr(before, name) != getattr(seen, name):
                raise PolicyStale(N_("Somebody else has changed this rule meanwhile. Look at it and save again."), name)
        for name, value in wanted.items():
            if getattr(before, name) != value:
                _set(act, name, getattr(before, name), value)
        return current()


def _refuse(name: str, value: int | bool) -> None:
    kinds = {field.name: field.type for field in fields(Policy)}
    if name not in kinds:
        raise ValueError(f"there is no rule {name!r}")
    if type(value) is not kinds[name]:
        raise PolicyRefused(N_("Enter a whole number."), name)
    least, most = BOUNDS.get(name, (False, True))
    if not least <= value <= most:
        raise PolicyRefused(N_("Enter a number from %(least)s to %(most)s."), name, least=least, most=most)


def _set(act: Act, name: str, before: int | bool, value: int | bool) -> None:
    row = PolicyValue.get_or_none(name=name)
    if row is None:
        row = PolicyValue.create(name=name, value=value, changed_at=act.at, changed_by=act.actor_name)
    else:
        row.value, row.changed_at, row.changed_by = value, act.at, act.actor_name
        row.save(only=[PolicyValue.value, PolicyValue.changed_at, PolicyValue.changed_by])
    record(act, "policy.changed", _Rule(name), before={name: before}, after={name: value})


@dataclass(frozen=True)
class _Rule:
    """What the trail calls the changed thing."""

    number: str
    _meta = PolicyValue._meta
