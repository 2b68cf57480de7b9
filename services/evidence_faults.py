"""Whether the evidence in the database still is what was written (legal.md 4.2): one sentence for each fault."""

import json
from collections.abc import Iterator
from typing import Any

from peewee import fn

from models.evidence import ConsentEvent, ConsentReceipt, Evidence, EvidencePersonal
from models.terms import Acceptance, TermsVersion
from services import chain, consent_records, evidence, legal_text
from services.evidence_check import canonical, content_digest, personal_digest

NOT_CHAINED = "{} {} is not in the chain"


def faults() -> Iterator[str]:
    """Walks the whole chain once, a few hundred rows at a time, then what stands on it."""
    yield from _chain()
    yield from _acceptances()
    yield from _standing_on_it(ConsentEvent, "consent event")
    yield from _standing_on_it(ConsentReceipt, "receipt")
    yield from _texts()


def _chain() -> Iterator[str]:
    erased = _erased()
    head = evidence.head()  # first, so that what is added meanwhile lies behind it
    parts: dict[int, EvidencePersonal | None] = {}

    def links() -> Iterator[tuple[Evidence, str | None]]:
        for row, personal in evidence.rows(upto=head.number):
            parts.clear()
            parts[row.number] = personal
            content = evidence.content_of(row)
            yield row, content_digest(content) if canonical(content["record"]) == row.record else None

    def personal_part(row: Evidence) -> Iterator[str]:
        return _personal(row, parts[row.number], erased)

    return chain.faults("evidence", "evidence", links(), head, personal_part)


def _personal(row: Evidence, personal: EvidencePersonal | None, erased: set[int]) -> Iterator[str]:
    if personal is None:
        if row.number not in erased:
            yield f"evidence {row.number} has lost its personal part, and no row says that it was erased"
    elif (
        canonical(json.loads(personal.body)) != personal.body
        or personal_digest(personal.salt, json.loads(personal.body)) != row.personal_digest
    ):
        yield f"evidence {row.number}: its personal part was changed"


def _erased() -> set[int]:
    rows: Any = Evidence.select(Evidence.subject).where(Evidence.kind == "erased").tuples()
    return {number for (number,) in rows}


def _acceptances() -> Iterator[str]:
    """Each acceptance says what its row in the chain says."""
    after = 0
    while found := _some_acceptances(after):
        rows: Any = Evidence.select().where(Evidence.hash << [row.hash for row in found])
        chained = {row.hash: row for row in rows}
        numbers: list = [row.number for row in rows]
        told = {part.number: part.body for part in EvidencePersonal.select().where(EvidencePersonal.number << numbers)}
        for row in found:
            kept = chained.get(row.hash)
            if kept is None:
                yield NOT_CHAINED.format("acceptance", row.id)
            elif not _alike(row, kept, told.get(kept.number)):
                yield f"acceptance {row.id} differs from evidence {kept.number}"
        after = found[-1].id


def _some_acceptances(after: int) -> list[Acceptance]:
    query = Acceptance.select(Acceptance, TermsVersion).join(TermsVersion).where(Acceptance.id > after)
    return list(query.order_by(Acceptance.id).limit(evidence.BATCH))


def _alike(row: Acceptance, kept: Evidence, told: str | None) -> bool:
    """`told`: the personal part, None when it was erased; then the acceptance has to be blank too."""
    record, personal = consent_records.parts(row)
    return (
        canonical(record) == kept.record
        and (row.accepted_at, row.partner_id, row.prev_hash) == (kept.at, kept.partner_id, kept.prev_hash)
        and canonical(personal) == (canonical(consent_records.BLANK) if told is None else told)
    )


def _standing_on_it(table, name: str) -> Iterator[str]:
    chained = Evidence.select(1).where(Evidence.hash == table.hash)
    for (id,) in table.select(table.id).where(~fn.EXISTS(chained)).tuples().iterator():
        yield NOT_CHAINED.format(name, id)


def _texts() -> Iterator[str]:
    """The texts that were accepted are still the ones whose digest was recorded."""
    accepted = Acceptance.select(1).where(Acceptance.version == TermsVersion.id)
    for version in TermsVersion.select().where(fn.EXISTS(accepted)).iterator():
        if legal_text.digest(version.body) != version.sha256:
            yield f"the text {version.kind} {version.label} ({version.language}) was changed"
    differs = Acceptance.select(Acceptance.id).join(TermsVersion).where(Acceptance.sha256 != TermsVersion.sha256)
    for (id,) in differs.tuples().iterator():
        yield f"acceptance {id} names another text than its version holds"
