"""What was published cannot be changed or taken away, by whatever road to the database."""

from datetime import datetime, timedelta

import pytest
from peewee import IntegrityError

from models.base import database
from models.terms import TermsVersion
from tests.models import rows

OTHER = {
    "kind": "flow_down",
    "label": "9.9",
    "language": "fr",
    "title": "Other",
    "body": "Other\n",
    "sha256": "0" * 64,
    "requires_acceptance": False,
    "change_summary": "Other",
    "author": "Other",
    "approver": "Other",
    "published_at": "2026-01-01 09:00:00",
    "effective_at": "2026-01-01 09:00:00",
    "reason": "Other",
    "required_by_law": True,
    "supersedes": "0.1",
    "binding": "de",
    "grace_days": 9,
    "grace_until_at": "2027-01-01 09:00:00",
    "author_operator_id": None,
    "approver_operator_id": None,
    "written_by": "[7]",
    "submitted_at": "2026-01-01 09:00:00",
    "approved_at": "2026-01-01 09:00:00",
    "revision": 7,
    "id": 4711,
}
MAY_CHANGE = {"state", "note", "told_at"}


@pytest.fixture
def published(cast, clock):
    def make(state="published", label="2.0"):
        now = clock.now()
        values = {"published_at": now, "effective_at": now, "author_operator": cast.olga, "submitted_at": now}
        return rows.make(
            TermsVersion, kind="portal_terms", language="en", label=label, state=state, body="Text\n",
            approver_operator=cast.oscar, approved_at=now, grace_until_at=now + timedelta(days=3), **values,
        )  # fmt: skip

    return make


def refused(row, **columns) -> bool:
    try:
        with database.atomic():
            rows.change(row, **columns)
    except IntegrityError as refusal:
        return "a published text stays as it is" in str(refusal)
    return False


def test_every_column_is_either_fixed_or_named_as_free():
    columns = {field.column_name for field in TermsVersion._meta.sorted_fields}
    assert columns == set(OTHER) | MAY_CHANGE


@pytest.mark.parametrize("state", ["published", "superseded"])
@pytest.mark.parametrize("column", OTHER)
def test_no_column_of_a_published_text_can_be_changed(published, column, state):
    assert refused(published(state), **{column: OTHER[column]})


@pytest.mark.parametrize(
    ("before", "after"),
    [("published", "draft"), ("published", "approved"), ("superseded", "published"), ("superseded", "draft")],
)
def test_a_published_text_never_goes_back(published, before, after):
    assert refused(published(before), state=after)


@pytest.mark.parametrize("state", ["published", "superseded"])
def test_a_published_text_cannot_be_deleted(published, state):
    row = published(state)
    with pytest.raises(IntegrityError), database.atomic():
        row.delete_instance()
    with pytest.raises(IntegrityError), database.atomic():
        TermsVersion.delete().execute()
    assert TermsVersion.get_by_id(row.id).body == "Text\n"


def test_it_can_be_superseded_and_noted_as_told(published, clock):
    row = published()
    rows.change(row, state="superseded", told_at="2026-03-02 09:00:00")
    fresh = TermsVersion.get_by_id(row.id)
    assert fresh.state == "superseded" and isinstance(fresh.told_at, datetime)


def test_a_draft_can_be_changed_published_and_deleted(published):
    row = published("draft")
    rows.change(row, body="Better\n", revision=1)
    rows.change(row, state="approved")
    rows.change(row, state="published")
    assert refused(row, body="Worse\n")
    published("draft", "3.0").delete_instance()


def test_only_one_version_of_a_kind_is_being_written(published):
    published("draft")
    for state in ("draft", "approved"):
        with pytest.raises(IntegrityError), database.atomic():
            published(state, "3.0")
