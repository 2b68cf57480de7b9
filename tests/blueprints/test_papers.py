"""Agreements and price lists: laid in by staff, read by role, taken out, every download on record (T17)."""

import io

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from models.audit import AuditEvent
from models.outbox import Mail
from models.partner_document import PartnerDocument
from models.stored_file import StoredFile
from tests.services.test_uploads import pdf


def lay_in(browser, partner, readers="admin", title="Price list 2027", content=None, **more):
    form = {"kind": "price_list", "title": title, "readers": readers, "once": f"once-{title}-{readers}", **more}
    form["file"] = FileStorage(io.BytesIO(pdf() if content is None else content), "list.pdf")
    return sent(browser, f"/admin/partners/{partner.id}/documents/new", form)


def sent(browser, path, form):
    """The body is made here: the test client leaves the temporary file of a large one open."""
    boundary, body = encode_multipart(form)
    return browser.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


@pytest.fixture
def olga(cast, client_as):
    return client_as(cast.olga)


def downloads() -> list[tuple[str, str]]:
    query = AuditEvent.select().where(AuditEvent.action == "document.downloaded").order_by(AuditEvent.id)
    return [(event.actor_name, event.after["name"]) for event in query]


def test_a_paper_goes_from_the_desk_to_the_partner(cast, olga, client_as):
    assert lay_in(olga, cast.northwind).location == f"/admin/partners/{cast.northwind.id}/documents"
    assert "Price list 2027" in olga.get(f"/admin/partners/{cast.northwind.id}/documents").text
    alice, row = client_as(cast.alice), PartnerDocument.get()
    page = alice.get("/documents/").text
    assert "Price list 2027" in page and "Confidential" in page
    answer = alice.get(f"/documents/{row.public_id}")
    assert answer.data == bytes(row.file.content)
    assert answer.headers["Content-Disposition"] == "attachment; filename=list.pdf"
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert downloads() == [("Alice Adler", "Price list 2027")]


def test_who_may_read_it_is_told_without_the_paper(cast, olga):
    lay_in(olga, cast.northwind, "staff")
    mails = {mail.recipient: mail for mail in Mail.select()}
    assert set(mails) == {cast.alice.email, cast.bob.email}
    assert "Price list 2027" in mails[cast.bob.email].text and not mails[cast.bob.email].attachment_name


@pytest.mark.parametrize(
    ("readers", "seen_by"),
    [("admin", {"alice"}), ("staff", {"alice", "bob"}), ("viewer", {"alice", "bob", "vera"})],
)
def test_roles_read_what_is_meant_for_them_and_nobody_else_does(cast, olga, client_as, readers, seen_by):
    lay_in(olga, cast.northwind, readers)
    row = PartnerDocument.get()
    for name in ("alice", "bob", "vera", "charlie"):
        browser = client_as(getattr(cast, name))
        assert ("Price list 2027" in browser.get("/documents/").text) == (name in seen_by), name
        assert browser.get(f"/documents/{row.public_id}").status_code == (200 if name in seen_by else 404), name


def test_what_was_withdrawn_is_gone_for_the_partner_and_kept_for_operators(cast, olga, client_as):
    lay_in(olga, cast.northwind)
    row = PartnerDocument.get()
    at = f"/admin/partners/{cast.northwind.id}/documents/{row.public_id}"
    for _ in range(2):
        assert olga.post(f"{at}/withdraw").status_code == 303
    assert AuditEvent.select().where(AuditEvent.action == "document.withdrawn").count() == 1
    alice = client_as(cast.alice)
    assert alice.get(f"/documents/{row.public_id}").status_code == 404
    assert "Price list 2027" not in alice.get("/documents/").text
    assert olga.get(at).data == bytes(row.file.content)


def test_the_same_form_twice_lays_in_one_paper(cast, olga):
    for _ in range(2):
        assert lay_in(olga, cast.northwind).status_code == 303
    assert (PartnerDocument.select().count(), StoredFile.select().count(), Mail.select().count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"content": b"MZ"}, "This is no PDF file"),
        ({"title": " "}, "Enter a title"),
        ({"title": "x" * 121}, "at most 120"),
        ({"kind": "gift"}, "Choose one of the kinds"),
        ({"content": b"%PDF-" + b"x" * 10_000_001}, "The file is too large"),
    ],
)
def test_bad_input_is_explained_beside_the_field_and_stores_nothing(cast, olga, change, words):
    answer = lay_in(olga, cast.northwind, **change)
    assert answer.status_code == 422 and words in answer.text
    assert not StoredFile.select().count() and not Mail.select().count()


def test_a_form_without_a_file_says_so(cast, olga):
    form = {"kind": "agreement", "title": "A", "readers": "admin", "once": "k"}
    answer = olga.post(f"/admin/partners/{cast.northwind.id}/documents/new", data=form)
    assert answer.status_code == 422 and "Choose a PDF file." in answer.text


def test_only_this_form_takes_something_large(cast, olga):
    assert lay_in(olga, cast.northwind, content=b"%PDF-" + b"x" * 12_000_000).status_code == 413
    form = {"q": "x", "file": FileStorage(io.BytesIO(b"x" * 2_000_000), "a.pdf")}
    assert sent(olga, "/admin/operators/new", form).status_code == 413


def test_support_looks_but_does_not_change(cast, olga, client_as):
    lay_in(olga, cast.northwind)
    oscar, row = client_as(cast.oscar), PartnerDocument.get()
    page = oscar.get(f"/admin/partners/{cast.northwind.id}/documents").text
    assert "Price list 2027" in page and "Withdraw" not in page and "Add a document" not in page
    assert oscar.get(f"/admin/partners/{cast.northwind.id}/documents/{row.public_id}").status_code == 200
    assert lay_in(oscar, cast.northwind, title="Another").status_code == 403


def test_a_paper_of_one_partner_is_not_found_under_another(cast, olga):
    lay_in(olga, cast.northwind)
    row = PartnerDocument.get()
    at = f"/admin/partners/{cast.contoso.id}/documents/{row.public_id}"
    assert olga.get(at).status_code == olga.post(f"{at}/withdraw").status_code == 404


def test_one_form_with_two_files_is_not_one_paper(cast, olga):
    """A page that was used before and got another file is told so: what lies in the file is what was chosen."""
    lay_in(olga, cast.northwind)
    other = pdf(lambda writer: writer.add_blank_page(100, 100))
    assert lay_in(olga, cast.northwind, content=other).status_code == 422
    assert StoredFile.select().count() == PartnerDocument.select().count() == 1
