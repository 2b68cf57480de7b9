"""The documents' desk, the public archive and the change log: no finding of axe, nothing small or cut off."""

from dataclasses import replace

import pytest

from services import change_log, document_desk, document_publishing
from tests.cast import act_of
from tests.services.desk import Desk, manager, wanted_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("axe-operators")]


@pytest.fixture
def desk(cast, portal, clock):
    return Desk(portal.app.settings, clock, cast.olga, manager(clock.now()))


def test_the_desk_and_a_draft(eyes, cast, desk):
    seen, own = eyes(cast.olga), "/admin/documents/portal_terms/draft"
    seen.open("/admin/documents", "documents, no draft")
    draft = desk.edit(desk.begin())
    seen.open("/admin/documents", "documents, one draft")
    seen.open(own, "draft")
    seen.open(f"{own}/de", "preview of a draft")
    seen.open(f"{own}/edit", "editing a draft")
    seen.enter(label="1.0")
    seen.send("editing a draft, number taken", ".document-editor [type=submit]")
    document_publishing.submit(desk.act(cast.olga), desk.settings, "portal_terms", draft.revision)
    seen.open(own, "draft, waits for somebody else")
    eyes(desk.otto).open(own, "draft, for who approves")
    eyes(cast.oscar).open(own, "draft, for who only looks")


def test_the_public_archive(eyes, desk, clock, portal):
    texts = wanted_of(desk.begin()).texts
    body = texts["en"].body.replace("resell", "sell on").replace("## 5. ", "A new paragraph.\n\n## 5. ")
    draft = desk.edit(document_desk.draft("portal_terms"), texts={**texts, "en": replace(texts["en"], body=body)})
    document_publishing.submit(desk.act(desk.olga), desk.settings, draft.kind, draft.revision)
    document_publishing.approve(desk.act(desk.otto), draft.kind, draft.revision + 1)
    document_publishing.publish(desk.act(desk.otto), desk.settings, draft.kind, draft.revision + 2)
    seen = eyes(None)
    seen.open("/terms", "archive")
    seen.open("/terms/portal_terms/1.1/en", "announced version")
    seen.open("/terms/portal_terms/1.1/changes", "difference")
    seen.open("/terms/portal_terms/1.0/changes", "difference, first version")


def test_the_change_log(eyes, cast, clock, portal):
    eyes(None).open("/changes", "change log, empty")
    change_log.publish_shipped(act_of(None, clock.now()), portal.app.settings)
    eyes(None).open("/changes", "change log")
    seen = eyes(cast.olga)
    seen.open("/admin/change-log", "change log, for operators")
    seen.open("/admin/change-log/new", "new entry")
    seen.send("new entry, nothing written")
