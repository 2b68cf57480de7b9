"""Evidence in one chain: each row names the hash of the row before it (legal.md 4.2).

Whoever keeps evidence calls `chain` inside the transaction that makes its row, as the last lock it takes, and keeps
`link.prev_hash` and `link.hash` in that row: a row is found in the chain by its hash. For a customer's acceptance:

    link = evidence.chain(act.at, "customer_acceptance", partner_id, record={"version": {"kind": …, "label": …,
        "language": …}, "sha256": version.sha256, "outcome": "accepted", "sub_account": sub_account.id},
        personal={"person_name": …, "email": …, "ip": …, "user_agent": …, "shown": …})
    CustomerAcceptance.create(…, prev_hash=link.prev_hash, hash=link.hash)

`record` stays for ever and holds nothing personal (numbers of rows are fine); all that names or describes a person or
may have to go belongs into `personal`. A `sha256` in the record is that of a published text, which evidence files then
bring along. `erase` takes the personal part away and leaves a row that says so; the chain still holds.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from models.base import database
from models.evidence import Evidence, EvidenceHead, EvidencePersonal
from services import chain as chains
from services.chain import Link, moment
from services.evidence_check import canonical, content_digest, link, personal_digest

__all__ = ["Link", "moment"]

BATCH = 500


def chain(
    at: datetime, kind: str, partner_id: int | None, *, record: dict, personal: dict, subject: int | None = None
) -> Link:
    """Adds one row. Values are what JSON knows; times as `moment` writes them. Others wait until the caller's
    transaction ends, so that the chain never forks. Raises RuntimeError outside a transaction."""
    if not database.in_transaction():
        raise RuntimeError(f"evidence ({kind}) was chained outside the transaction of its cause")
    head = hold()
    salt, number = secrets.token_hex(32), head.number + 1
    content = {
        "number": number,
        "kind": kind,
        "at": moment(at),
        "partner": partner_id,
        "subject": subject,
        "record": record,
        "personal_digest": personal_digest(salt, personal),
    }
    made = Link(number, head.hash, link(head.hash, content_digest(content)))
    Evidence.insert(
        number=number,
        kind=kind,
        at=at,
        partner=partner_id,
        subject=subject,
        record=canonical(record),
        personal_digest=content["personal_digest"],
        prev_hash=made.prev_hash,
        hash=made.hash,
    ).execute()
    EvidencePersonal.insert(number=number, salt=salt, body=canonical(personal)).execute()
    EvidenceHead.update(number=number, hash=made.hash).where(EvidenceHead.id == 1).execute()
    return made


def erase(at: datetime, hashes: Iterable[str], reason: str) -> int:
    """Erases the personal part of the rows with these hashes, once, and chains for each a row that says when and why;
    returns how many. Copies of the values in other tables are the caller's. Raises RuntimeError outside a transaction.
    """
    erased = 0
    for hash in sorted(set(hashes)):
        row = Evidence.get_or_none(Evidence.hash == hash)
        if row is None or not EvidencePersonal.select().where(EvidencePersonal.number == row.number).exists():
            continue
        chain(at, "erased", row.partner_id, record={"reason": reason}, personal={}, subject=row.number)
        EvidencePersonal.delete().where(EvidencePersonal.number == row.number).execute()
        erased += 1
    return erased


def head() -> Link:
    """The newest row: what is published. Number 0 and GENESIS before the first."""
    return chains.head(EvidenceHead)


def at_number(number: int) -> Link | None:
    """The row with this number, to compare an older evidence file with; None when there is none."""
    row = Evidence.get_or_none(Evidence.number == number)
    return Link(row.number, row.prev_hash, row.hash) if row else None


def content_of(row: Evidence) -> dict:
    """The row as the chain digests it, with its hashes."""
    return {
        "number": row.number,
        "kind": row.kind,
        "at": moment(row.at),
        "partner": row.partner_id,
        "subject": row.subject,
        "record": json.loads(row.record),
        "personal_digest": row.personal_digest,
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    }


def links(*where, after: int = 0, upto: int | None = None) -> Iterator[Evidence]:
    """The chain in its order, a few hundred rows at a time."""
    for found in _pages(where, after, upto):
        yield from found


def rows(*where, after: int = 0, upto: int | None = None) -> Iterator[tuple[Evidence, EvidencePersonal | None]]:
    """As `links`, each row with its personal part, None when that is erased."""
    for found in _pages(where, after, upto):
        numbers = [row.number for row in found]
        parts: Any = EvidencePersonal.select().where(EvidencePersonal.number << numbers)
        personal = {part.number: part for part in parts}
        for row in found:
            yield row, personal.get(row.number)


def _pages(where: tuple, after: int, upto: int | None) -> Iterator[list[Evidence]]:
    bound = (Evidence.number <= upto,) if upto is not None else ()
    while found := list(
        Evidence.select().where(Evidence.number > after, *bound, *where).order_by(Evidence.number).limit(BATCH)
    ):
        yield found
        after = found[-1].number


def hold() -> EvidenceHead:
    """Locks the head: nobody else adds a row until the caller's transaction ends."""
    return chains.hold(EvidenceHead, Evidence)
