"""What is kept of a customer's answer, and its place in the chain of evidence (T2, legal.md 4.2)."""

from models.flow_down import CustomerAcceptance
from services import evidence

KIND = "customer_acceptance"
PERSONAL = (
    "partner_name", "customer_name", "company", "person_name", "email", "reason", "ip", "user_agent", "shown",
    "request_id",
)  # fmt: skip
BLANK: dict = dict.fromkeys(PERSONAL, "") | {"shown": {}}


def keep(row: CustomerAcceptance, partner_id: int) -> None:
    """Chains the answer and stores it. Inside the caller's transaction, which takes no further lock."""
    record, personal = parts(row)
    link = evidence.chain(row.answered_at, KIND, partner_id, record=record, personal=personal)
    row.prev_hash, row.hash = link.prev_hash, link.hash
    row.save(force_insert=True)


def parts(row: CustomerAcceptance) -> tuple[dict, dict]:
    """What the chain keeps for ever, and what can be erased."""
    version = row.version
    return {
        "version": {"kind": version.kind, "label": version.label, "language": version.language},
        "sha256": row.sha256,
        "outcome": row.outcome,
        "method": row.method,
        "sub_account": row.sub_account_id,
        "sub_account_number": row.sub_account_number,
    }, {name: getattr(row, name) for name in PERSONAL}
