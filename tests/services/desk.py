"""The steps of the documents' desk, for the tests of several files."""

from dataclasses import dataclass, replace
from datetime import date

from models.operator import Operator
from models.terms import TermsVersion
from services import document_desk, document_publishing
from services.clock import FakeClock
from services.document_wanted import Text, Wanted
from services.settings import Settings
from tests.cast import act_of


@dataclass(frozen=True)
class Desk:
    """Olga writes, Otto (a manager) approves."""

    settings: Settings
    clock: FakeClock
    olga: Operator
    otto: Operator

    def act(self, person: Operator):
        return act_of(person, self.clock.now())

    def begin(self, kind: str = "portal_terms") -> document_desk.Draft:
        return document_desk.begin(self.act(self.olga), self.settings, kind)

    def edit(self, draft: document_desk.Draft, person: Operator | None = None, **changes) -> document_desk.Draft:
        wanted = replace(wanted_of(draft), **changes)
        seen = draft.revision
        return document_desk.edit(self.act(person or self.olga), self.settings, draft.kind, seen, wanted)

    def submitted(self, kind: str = "portal_terms", **changes) -> document_desk.Draft:
        draft = self.edit(self.begin(kind), **changes)
        document_publishing.submit(self.act(self.olga), self.settings, kind, draft.revision)
        return document_desk.draft(kind)

    def approved(self, kind: str = "portal_terms", **changes) -> document_desk.Draft:
        draft = self.submitted(kind, **changes)
        document_publishing.approve(self.act(self.otto), kind, draft.revision)
        return document_desk.draft(kind)

    def published(self, kind: str = "portal_terms", **changes) -> TermsVersion:
        draft = self.approved(kind, **changes)
        return document_publishing.publish(self.act(self.olga), self.settings, kind, draft.revision).rows["en"]


def wanted_of(draft: document_desk.Draft, addition: str = "\n\nOne more sentence.\n") -> Wanted:
    """The draft with a sentence more, complete in every language."""
    return Wanted(
        label=draft.any.label,
        texts={
            language: Text(row.title, row.body.rstrip("\n") + addition, f"Summary {language}", f"Reason {language}")
            for language, row in draft.rows.items()
        },
        by_click=True,
        required_by_law=False,
        effective_on=None,
        grace_days=20,
    )


def manager(at) -> Operator:
    return Operator.create(
        name="Otto Ott", email="otto@provider.example.com", email_key="otto@provider.example.com", right="manager",
        password_hash="", created_at=at,
    )  # fmt: skip


FAR = date(2026, 9, 1)
