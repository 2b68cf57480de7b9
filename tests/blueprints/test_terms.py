"""The archive, permalinks, acceptance of new versions, receipts (T1, T18, T22)."""

import hashlib
import re
from datetime import timedelta

import pytest

from models.outbox import Mail
from models.partner import Partner
from models.terms import Acceptance, TermsVersion
from services import legal_text
from tests.blueprints.signing_up import boxes
from tests.evidence_ground import unguarded


def publish(label: str, at, language: str = "en", kind: str = "portal_terms", **more) -> TermsVersion:
    body = f"## 1. Words\n\nText of {kind} {label}.\n\n- one\n"
    values = {"kind": kind, "label": label, "language": language, "title": f"Terms {label}", "body": body}
    times = {"published_at": at, "effective_at": at, "state": "published"} | more
    return TermsVersion.create(**(values | times), sha256=legal_text.digest(body))


@pytest.fixture
def new_terms(cast, clock) -> TermsVersion:
    clock.advance(days=1)
    return publish("2.0", clock.now())


# The archive ---------------------------------------------------------------------------------------------------------


def test_strangers_read_current_and_older_versions_and_the_date_of_last_update(client, cast, clock, new_terms):
    publish("3.0", clock.now(), effective_at=clock.now() + timedelta(days=30))
    page = client.get("/terms").text
    assert "Last update: 3 Mar 2026" in page
    places = [page.index(f"/terms/portal_terms/{label}/en") for label in ("3.0", "2.0", "1.0")]
    assert places == sorted(places)
    assert page.index("announced") < page.index("in force</span>") < page.index("older</span>")


def test_without_any_document_the_archive_says_so(client):
    assert "No document has been published yet." in client.get("/terms").text


def test_the_download_has_exactly_the_digest_that_the_page_shows(client, cast):
    for version in TermsVersion.select():
        address = f"/terms/{version.kind}/{version.label}/{version.language}"
        page, text = client.get(address), client.get(address + ".txt")
        digest = hashlib.sha256(text.data).hexdigest()
        assert digest == version.sha256 and digest in page.text
        assert text.mimetype == "text/plain"
        assert text.headers["Content-Disposition"] == (
            f'attachment; filename="{version.kind}-{version.label}-{version.language}.txt"'
        )


def test_an_older_version_says_so_and_leads_to_the_newer(client, cast, new_terms):
    page = client.get("/terms/portal_terms/1.0/de").text
    assert "no longer in force" in page and "/terms/portal_terms/2.0/en" in page
    assert "in force" in client.get("/terms/portal_terms/2.0/en").text


@pytest.mark.parametrize(
    "path",
    ["portal_terms/9.9/en", "portal_terms/1.0/fr", "nothing/1.0/en", "portal_terms/1.0/en.pdf", "portal_terms/1.0"],
)
def test_there_is_nothing_at_other_addresses(client, cast, path):
    assert client.get(f"/terms/{path}").status_code == 404


def test_a_draft_is_not_public(client, cast, clock):
    publish("2.0", clock.now(), state="draft")
    assert client.get("/terms/portal_terms/2.0/en").status_code == 404
    assert client.get("/terms/portal_terms/2.0/en.txt").status_code == 404
    assert "portal_terms/2.0" not in client.get("/terms").text


# Accepting a new version ---------------------------------------------------------------------------------------------


def test_a_new_version_without_grace_stops_changes_until_the_administrator_agrees(client_as, cast, new_terms):
    browser = client_as(cast.alice)
    home = browser.get("/home")
    assert home.status_code == 200 and "The new terms are not accepted" in home.text
    assert browser.post("/sub-accounts/new").status_code == 403
    page = browser.get("/terms/accept").text
    assert "Text of portal_terms 2.0." in page and "checked" not in page and "privacy_notice" not in page
    answer = browser.post("/terms/accept", data=boxes(page))
    assert (answer.status_code, answer.location) == (303, "/")
    row = Acceptance.get(Acceptance.version == new_terms)
    assert (row.member_id, row.sha256, row.shown["button"]) == (cast.alice.id, new_terms.sha256, "Agree and continue")
    assert row.shown["authority"] == "I am authorised to bind Northwind Traders GmbH"
    assert len(row.session_hash) == 64
    for person in (cast.alice, cast.bob):
        home = client_as(person).get("/home")
        assert home.status_code == 200 and "The new terms are not accepted" not in home.text
    assert Mail.get(Mail.template == "receipt").recipient == cast.alice.email


@pytest.mark.parametrize("who", ["bob", "vera"])
def test_others_wait_for_their_administrator_and_cannot_agree(client_as, cast, new_terms, who):
    browser = client_as(getattr(cast, who))
    page = browser.get("/terms/accept").text
    assert "Waiting for your administrator" in page and "checkbox" not in page
    assert "Waiting for: Alice Adler" in page
    ticked = {"agree_portal_terms": "y", "seen_portal_terms": f"{new_terms.id}:{new_terms.sha256}", "authority": "y"}
    assert browser.post("/terms/accept", data=ticked).status_code == 403
    assert not Acceptance.select().where(Acceptance.version == new_terms).exists()


@pytest.mark.parametrize("left_out", ["agree_portal_terms", "authority"])
def test_an_unticked_box_is_named(client_as, cast, new_terms, left_out):
    browser = client_as(cast.alice)
    ticked = boxes(browser.get("/terms/accept").text)
    del ticked[left_out]
    answer = browser.post("/terms/accept", data=ticked)
    assert answer.status_code == 422 and f'href="#{left_out}"' in answer.text
    assert not Acceptance.select().where(Acceptance.version == new_terms).exists()


def test_a_version_published_while_the_page_was_open_is_shown_anew(client_as, cast, clock, new_terms):
    browser = client_as(cast.alice)
    ticked = boxes(browser.get("/terms/accept").text)
    clock.advance(minutes=2)
    newest = publish("2.1", clock.now())
    answer = browser.post("/terms/accept", data=ticked)
    assert answer.status_code == 409
    assert "Text of portal_terms 2.1." in answer.text and "checked" not in answer.text
    assert browser.post("/terms/accept", data=boxes(answer.text)).status_code == 303
    assert [row.version_id for row in Acceptance.select().where(Acceptance.accepted_at == clock.now())] == [newest.id]


def test_agreeing_twice_records_once(client_as, cast, new_terms):
    browser = client_as(cast.alice)
    ticked = boxes(browser.get("/terms/accept").text)
    assert [browser.post("/terms/accept", data=ticked).status_code for _click in range(2)] == [303, 303]
    assert Acceptance.select().where(Acceptance.version == new_terms).count() == 1
    assert browser.get("/terms/accept").location == "/"


def test_without_consent_only_terms_receipts_and_log_out_are_open(client_as, cast, new_terms):
    with unguarded():
        Acceptance.delete().where(Acceptance.partner == cast.northwind).execute()
    browser = client_as(cast.alice)
    for path in ("/terms", "/terms/portal_terms/2.0/en", "/terms/mine", "/terms/accept"):
        assert browser.get(path).status_code == 200, path
    for path in ("/home", "/application", "/allocations"):
        assert browser.get(path).location in ("/terms/accept", "/home"), path
    assert browser.post("/logout").status_code == 303


def test_operators_and_strangers_have_nothing_to_accept(client, client_as, cast, new_terms):
    for path in ("/terms/accept", "/terms/mine"):
        assert client_as(cast.olga).get(path).status_code == 404
        assert client.get(path).location.startswith("/login")
    assert client_as(cast.olga).post("/terms/accept").status_code == 404


def test_the_readers_language_decides_which_text_is_shown(client_as, cast, clock, new_terms):
    german = publish("2.0", clock.now(), "de")
    browser = client_as(cast.alice)
    browser.post("/language", data={"language": "de"})
    page = browser.get("/terms/accept").text
    assert f"{german.id}:{german.sha256}" in page and 'lang="de"' in page


def test_two_documents_on_one_page_have_ids_of_their_own(client_as, cast, clock, new_terms):
    publish("2.0", clock.now(), kind="privacy_notice")
    page = client_as(cast.alice).get("/terms/accept").text
    assert 'id="portal_terms-section-1"' in page and 'id="privacy_notice-section-1"' in page


# Receipts ------------------------------------------------------------------------------------------------------------


def test_an_administrator_finds_the_receipts_and_downloads_them(client_as, cast):
    browser = client_as(cast.alice)
    page = browser.get("/terms/mine").text
    links = re.findall(r'href="(/terms/mine/\d+\.txt)"', page)
    assert len(links) == Acceptance.select().where(Acceptance.partner == cast.northwind).count()
    receipt = browser.get(links[0])
    row = Acceptance.get_by_id(int(re.search(r"\d+", links[0])[0]))
    assert row.sha256 in receipt.text and "Northwind Traders GmbH" in receipt.text
    line = "=" * 72 + "\n"
    assert legal_text.digest(receipt.text.split(line)[1]) == row.sha256
    assert receipt.headers["Cache-Control"] == "no-store"


def test_a_receipt_writes_names_as_they_are(client_as, cast):
    with unguarded():
        Acceptance.update(partner_name="Müller & <Söhne>").execute()
    row = Acceptance.get(Acceptance.member == cast.alice)
    assert "Müller & <Söhne>" in client_as(cast.alice).get(f"/terms/mine/{row.id}.txt").text


def test_receipts_of_others_do_not_exist(client_as, cast):
    own = Acceptance.get(Acceptance.member == cast.alice)
    for stranger in (cast.charlie, cast.bob):
        assert client_as(stranger).get(f"/terms/mine/{own.id}.txt").status_code == 404
    assert client_as(cast.alice).get("/terms/mine/999999.txt").status_code == 404


def test_a_member_without_receipts_sees_what_holds(client_as, cast):
    with unguarded():
        Acceptance.delete().where(Acceptance.member == cast.bob).execute()
    page = client_as(cast.bob).get("/terms/mine").text
    assert "No receipts of your own" in page and "/terms/portal_terms/1.0/en" in page


def test_receipts_are_open_to_a_suspended_partner(client_as, cast):
    Partner.update(state="suspended").where(Partner.id == cast.northwind.id).execute()
    assert client_as(cast.alice).get("/terms/mine").status_code == 200
