"""What of a row of the trail its partner is told."""

ACTOR = {"actor_kind": "operator", "actor_id": "", "actor_name": "", "source": "", "ip": "", "request_id": ""}
STAFF_KEYS = tuple(f"{done}_name" for done in ("asked", "confirmed", "decided", "ended", "gone", "released"))


def without_staff(row: dict) -> dict:
    """A row of the trail as its partner may have it: who of the staff it was is not told, and not whether it was
    a person who refused an application."""
    row = {**row, **{side: _told(row[side]) for side in ("before", "after") if row.get(side)}}
    if row.get("action") == "partner.refused":
        return {name: ACTOR.get(name, value) for name, value in row.items()}
    return {**row, "actor_name": "", "ip": ""} if row.get("actor_kind") == "operator" else row


def _told(values: dict) -> dict:
    """Names of people in the trail stand under such keys; those of the company's own are in lines of their own."""
    return {name: value for name, value in values.items() if not name.endswith("_by") and name not in STAFF_KEYS}
