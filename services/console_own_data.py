"""What is known of a console user (Art. 15, 20 GDPR): profile, log-ins, what they answered, own acts; no secret."""

import json
from collections.abc import Iterator
from typing import Any

from models.audit import AuditEvent
from models.base import write_tx
from models.console import ConsoleLink, ConsoleSession, ConsoleUser
from models.flow_down import CustomerAcceptance
from models.outbox import Mail
from services import own_data_lists
from services.audit import Act, record
from services.own_data import plain
from services.own_data_person import ACT_COLUMNS, MAIL_COLUMNS


def lists(user: ConsoleUser) -> Iterator[tuple[str, Iterator[dict]]]:
    """Name of each list and its rows, the profile first."""
    answers: Any = (CustomerAcceptance.sub_account == user.sub_account_id) & (CustomerAcceptance.email == user.email)
    # whoever signs in here may also be one of the partner's people: what they were written as such is not theirs here
    mails: Any = (Mail.recipient == user.email) & (Mail.partner == user.sub_account.partner_id)
    mails &= Mail.template.startswith("console_") | Mail.template.startswith("flow_down_")
    acts: Any = (AuditEvent.actor_kind == "console_user") & (AuditEvent.actor_id == str(user.id))
    of: dict[str, tuple[Any, Any]] = {
        "profile": (ConsoleUser, ConsoleUser.id == user.id),
        "log_ins": (ConsoleSession, ConsoleSession.user == user),
        "links": (ConsoleLink, ConsoleLink.user == user),
        "answers": (CustomerAcceptance, answers),
    }
    for name, (table, condition) in of.items():
        yield name, own_data_lists.rows(table, condition, own_data_lists.columns_of(table))
    yield "mails", own_data_lists.rows(Mail, mails, MAIL_COLUMNS)
    yield "acts", own_data_lists.rows(AuditEvent, acts, ACT_COLUMNS)


def as_json(act: Act, user: ConsoleUser) -> Iterator[bytes]:
    """One JSON object: each list under its name. The trail tells that it was given out."""
    with write_tx():
        record(act, "own_data.given", user, partner=user.sub_account.partner_id)
    yield json.dumps({"made_at": plain(act.at)}, ensure_ascii=False)[:-1].encode()
    for name, rows in lists(user):
        told = json.dumps(list(rows), ensure_ascii=False, default=plain)
        yield f', "{name}": {told}'.encode()
    yield b"}\n"
