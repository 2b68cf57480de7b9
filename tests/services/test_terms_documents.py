"""Which legal text is in force, and the shipped ones published once (T1, T22)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.audit import AuditEvent
from models.terms import TermsVersion
from services import documents, legal_text, policy
from services.refusal import NotFound


@pytest.fixture
def publish(db, acting, settings):
    return lambda: documents.publish_shipped(acting(), settings)


def version(kind: str, label: str, at, language: str = "en", **more) -> TermsVersion:
    body = f"# {kind} {label} {language}\n"
    values = {"state": "published", "published_at": at, "effective_at": at, **more}
    return TermsVersion.create(
        kind=kind, label=label, language=language, title=label, body=body, sha256=legal_text.digest(body), **values
    )


def test_every_shipped_text_is_published_in_every_language_once(publish):
    assert len(publish()) == 10
    assert publish() == []
    rows = {(row.kind, row.language): row for row in TermsVersion.select()}
    assert {row.label for row in rows.values()} == {"1.0"}
    assert {kind for (kind, _language), row in rows.items() if row.requires_acceptance} == {
        "acceptable_use",
        "data_processing",
        "portal_terms",
        "privacy_notice",
    }
    assert all(row.sha256 == legal_text.digest(row.body) for row in rows.values())
    assert AuditEvent.select().where(AuditEvent.action == "terms.published").count() == 10


def test_a_language_added_later_gets_the_same_version(db, acting, settings):
    documents.publish_shipped(acting(), replace(settings, locales=("en",)))
    assert documents.publish_shipped(acting(), settings) == [
        "published portal_terms 1.0 (de)",
        "published data_processing 1.0 (de)",
        "published acceptable_use 1.0 (de)",
        "published privacy_notice 1.0 (de)",
        "published flow_down 1.0 (de)",
    ]


def test_the_providers_own_text_is_never_replaced_by_a_shipped_one(db, acting, settings, clock):
    version("portal_terms", "2026-own", clock.now())
    assert not any("portal_terms" in line for line in documents.publish_shipped(acting(), settings))


def test_the_text_in_force_is_the_newest_that_has_begun(publish, clock):
    publish()
    clock.advance(days=1)
    soon = version("portal_terms", "1.1", clock.now(), effective_at=clock.now() + timedelta(days=30))
    assert documents.current("portal_terms", "en", clock.now()).label == "1.0"
    assert documents.current("portal_terms", "en", soon.effective_at).label == "1.1"
    assert documents.current("portal_terms", "en", clock.now() - timedelta(days=9)) is None


def test_a_version_without_the_readers_language_is_shown_in_another_not_in_its_older_text(publish, clock):
    publish()
    clock.advance(days=1)
    version("portal_terms", "1.1", clock.now())
    found = documents.current("portal_terms", "de", clock.now())
    assert (found.label, found.language) == ("1.1", "en")


def test_at_sign_up_everything_but_the_terms_for_end_customers_is_asked_for_in_this_order(publish, clock):
    publish()
    found = documents.required_at_sign_up("de", clock.now())
    assert [row.kind for row in found] == ["portal_terms", "data_processing", "acceptable_use", "privacy_notice"]
    assert {row.language for row in found} == {"de"}


def test_drafts_have_no_permalink(publish, clock):
    publish()
    version("portal_terms", "2.0", clock.now(), state="draft")
    assert documents.permalink("portal_terms", "1.0", "de").language == "de"
    for label in ("2.0", "9.9"):
        with pytest.raises(NotFound):
            documents.permalink("portal_terms", label, "en")


def test_the_archive_keeps_older_versions_and_names_the_one_in_force(publish, clock):
    publish()
    clock.advance(days=10)
    version("portal_terms", "1.1", clock.now(), change_summary="Clause 4 is clearer.")
    TermsVersion.update(state="superseded").where(
        TermsVersion.kind == "portal_terms", TermsVersion.label == "1.0"
    ).execute()
    version("portal_terms", "1.2", clock.now(), effective_at=clock.now() + timedelta(days=5))
    entries = documents.archive("de", clock.now())["portal_terms"]
    assert [entry.label for entry in entries] == ["1.2", "1.1", "1.0"]
    assert entries[2].languages == ("de", "en")
    assert documents.label_in_force(entries, clock.now()) == "1.1"


def test_a_kind_that_a_running_portal_did_not_have_comes_with_time_to_agree(publish, clock, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(legal_text, "KINDS", ("portal_terms", "flow_down"))
        publish()
    clock.advance(days=400)
    assert "published acceptable_use 1.0 (de)" in publish()
    row = documents.current("acceptable_use", "de", clock.now())
    assert row.grace_until_at == clock.now() + timedelta(days=policy.current().terms_grace_days)
    assert row.told_at is None and row.reason == "Dieses Dokument gab es im Portal bisher nicht."
    assert documents.current("portal_terms", "de", clock.now()).grace_until_at is None
    assert publish() == []


def test_a_new_portal_has_nobody_who_needs_time(publish):
    publish()
    assert {(row.grace_until_at, row.told_at is None) for row in TermsVersion.select()} == {(None, False)}


def test_a_language_added_later_holds_since_its_version_holds(db, acting, settings, clock):
    documents.publish_shipped(acting(), replace(settings, locales=("en",)))
    begun_at = clock.now()
    clock.advance(days=40)
    documents.publish_shipped(acting(), settings)
    assert {row.effective_at for row in TermsVersion.select()} == {begun_at}


def test_the_binding_language_is_one_that_the_portal_has(db, acting, settings, clock):
    documents.publish_shipped(acting(), replace(settings, locales=("de",)))
    row = documents.current("portal_terms", "en", clock.now())
    assert (row.language, row.binding) == ("de", "de") and "Verbindlich ist die deutsche Fassung" in row.body


def test_what_is_announced_is_known_before_it_holds(publish, clock):
    publish()
    soon = version("portal_terms", "1.1", clock.now(), effective_at=clock.now() + timedelta(days=30))
    assert [row.label for row in documents.announced("de", clock.now())] == ["1.1"]
    assert documents.announced("de", soon.effective_at) == []
    assert documents.label_before(soon) == "1.0"
    assert documents.label_before(documents.current("portal_terms", "en", clock.now())) is None
