"""The partner's activity: its own alone, staff without names, whoever only looks without keys; files of all of it."""

import csv
import io
import json

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.audit import AuditHead
from models.base import database, write_tx
from services import audit_check, audit_heads, chain, trail
from services.audit import Thing, record
from tests.cast import act_of
from tests.evidence_ground import unguarded


@pytest.fixture
def told(cast, clock):
    """What happened to northwind and contoso, one after another."""

    def write(person, action, thing, partner, **values):
        with write_tx():
            record(act_of(person, clock.now(), request_id="r1"), action, thing, partner=partner, **values)
        clock.advance(hours=1)

    write(cast.charlie, "contract.created", cast.other_contract, cast.contoso, after={"number": "RCP-2001"})
    write(
        cast.alice,
        "partner.details_changed",
        cast.northwind,
        cast.northwind,
        before={"city": "Berlin"},
        after={"city": "Bonn"},
    )
    write(cast.bob, "access_key.made", Thing("access_key", "77"), cast.northwind, after={"access_key_id": "AKIA77"})
    write(
        cast.olga,
        "contract.changed",
        cast.contract,
        cast.northwind,
        before={"decided_by": "Olga Olsen"},
        after={"reason": "=1+1"},
    )
    write(cast.olga, "partner.termination_asked", cast.northwind, cast.northwind, after={"reason": "unpaid"})
    write(None, "contract.activated", cast.contract, cast.northwind)


def shown(browser, path="/activity") -> list[str]:
    page = LexborHTMLParser(browser.get(path).text)
    lines = [" ".join(node.text().split()) for node in page.css("#activity tbody tr")]
    return [line for line in lines if "Signed in" not in line]  # what the test itself did


def test_all_members_see_their_own_and_staff_has_no_name(cast, told, client_as):
    for person in (cast.alice, cast.bob, cast.vera):
        found = shown(client_as(person))
        assert len(found) == 4
        assert "Example Storage staff" in found[1] and "Olga" not in str(found) and "192.0.2" not in str(found)
        assert "The portal" in found[0] and "Alice Adler" in found[3]
        assert "RCP-2001" not in str(found) and "Termination" not in str(found)


def test_whoever_only_looks_is_told_that_a_key_changed_and_not_which(cast, told, client_as):
    bob, vera = client_as(cast.bob), client_as(cast.vera)
    assert "AKIA77" in bob.get("/activity").text and "AKIA77" in bob.get("/activity.csv").text
    for path in ("/activity", "/activity.csv", "/activity.json"):
        text = vera.get(path).text
        assert "AKIA77" not in text and "77" not in text.replace("2026-03-02", "").split("Key made")[-1][:60]
        assert "Key made on the storage service" in text


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("kind=contract", 2),
        ("kind=contract&thing=RCP-1001", 2),
        ("kind=contract&thing=RCP-2001", 0),
        ("person=operator", 1),
        ("person=system", 1),
        ("source=worker", 1),
        ("source=web", 3),
        ("from=2026-03-02&until=2026-03-02", 4),
        ("from=2026-03-03", 0),
        ("until=2026-03-01", 0),
        ("from=nonsense", 4),
        ("before=0", 4),
        ("before=999999999999999999999", 4),
    ],
)
def test_filters(cast, told, client_as, asked, number):
    alice = client_as(cast.alice)
    assert len(shown(alice, f"/activity?{asked}")) == number
    part = alice.get(f"/activity?{asked}", htmx=True).text
    assert part.lstrip().startswith('<div id="activity"') and "<html" not in part
    table = csv.DictReader(io.StringIO(alice.get(f"/activity.csv?{asked}").text.removeprefix("\ufeff")))
    for lines in (table, json.loads(alice.get(f"/activity.json?{asked}").text)):
        assert len([line for line in lines if line["action"] != "session.begun"]) == number


def test_one_person_is_asked_for(cast, told, client_as):
    alice = client_as(cast.alice)
    assert len(shown(alice, f"/activity?person=member:{cast.bob.id}")) == 1
    assert len(shown(alice, f"/activity?person=member:{cast.charlie.id}")) == 0


def test_pages_follow_on_each_other_and_lose_nothing(cast, clock, client_as, monkeypatch):
    monkeypatch.setattr(trail, "AT_ONCE", 40)
    with write_tx():  # many at the same moment, and some before
        for number in range(130):
            at = clock.now() if number % 3 else clock.advance(seconds=1) or clock.now()
            record(
                act_of(cast.alice, at), "contract.changed", Thing("contract", f"N{number:03}"), partner=cast.northwind
            )
    alice, path, found = client_as(cast.alice), "/activity?kind=contract", []
    while path:
        page = alice.get(path)
        found += [line.split("N")[1][:3] for line in shown(alice, path)]
        older = page.text.split('rel="next" href="')
        path = older[1].split('"')[0].replace("&amp;", "&") if len(older) > 1 else ""
    assert found == [f"{number:03}" for number in reversed(range(130))]
    assert len(json.loads(alice.get("/activity.json?kind=contract").text)) == 130


def test_cells_of_the_file_are_no_formulas(cast, told, client_as, clock):
    with write_tx():
        record(
            act_of(cast.alice, clock.now()), "contract.changed", Thing("contract", "=2+2"), partner=cast.northwind.id
        )
    lines = list(csv.DictReader(io.StringIO(client_as(cast.alice).get("/activity.csv").text)))
    assert "'=2+2" in {line["thing"] for line in lines}
    by = {line["by"] for line in lines}
    assert by == {"Alice Adler", "Bob Brandt", "Example Storage staff", "The portal"}


def test_a_file_of_a_long_trail_is_sent_in_pieces(cast, client_as, clock):
    with write_tx():
        for number in range(600):
            record(
                act_of(cast.alice, clock.now()),
                "contract.changed",
                Thing("contract", str(number)),
                partner=cast.northwind,
            )
    answer = client_as(cast.alice).get("/activity.csv", buffered=False)
    assert sum(1 for _piece in answer.response) > 2


def test_others_get_nothing_of_it(cast, told, client, client_as):
    for path in ("/activity", "/activity.csv", "/activity.json"):
        assert client.get(path).status_code in (302, 303, 401)
        assert client_as(cast.olga).get(path).status_code == 404
        text = client_as(cast.charlie).get(path).text
        assert "RCP-2001" in text and "RCP-1001" not in text


def test_pages_of_things_show_their_own_history(cast, told, client_as):
    vera = client_as(cast.vera)
    for path, said in (("/company", "Details of the company changed"), ("/allocations/RCP-1001", "Contract changed")):
        page = vera.get(path).text
        assert said in page.split('id="history"')[1] and "/activity?kind=" in page
        assert "Olga" not in page


def test_staff_reads_all_with_the_same_filters(cast, told, client_as):
    oscar = client_as(cast.oscar)
    text = oscar.get("/admin/trail?kind=contract").text
    assert "RCP-2001" in text and "RCP-1001" in text and "Olga Olsen" in text and "Details of the company" not in text
    own = oscar.get(f"/admin/partners/{cast.northwind.id}/trail?person=operator").text
    assert "RCP-2001" not in own and "Termination asked for" in own and "Alice Adler" in own.split("<tbody>")[0]
    part = oscar.get("/admin/trail?kind=contract", htmx=True).text
    assert part.lstrip().startswith('<div id="trail"')
    assert client_as(cast.alice).get("/admin/trail").status_code == 404


def test_the_command_ends_with_one_and_names_the_first_broken_row(app, cast, told, acting, settings, tmp_path):
    runner = app.test_cli_runner()
    whole = runner.invoke(args=["audit", "verify"])
    assert (whole.exit_code, "the trail is whole; it ends at number 6" in whole.output) == (0, True)
    heads = tmp_path / "heads"
    heads.write_text(audit_heads.line_of(acting(), chain.head(AuditHead)))
    assert runner.invoke(args=["audit", "verify", "--head", str(heads)]).exit_code == 0
    with unguarded():
        database.execute_sql("UPDATE audit_event SET thing_id = 'x' WHERE number = 3")
    broken = runner.invoke(args=["audit", "verify"])
    assert (broken.exit_code, broken.output.splitlines()[0]) == (1, next(audit_check.faults()))
    assert broken.output.startswith("audit row 3 was changed")
    (tmp_path / "none").write_text("")
    assert runner.invoke(args=["audit", "verify", "--head", str(tmp_path / "none")]).exit_code == 1
