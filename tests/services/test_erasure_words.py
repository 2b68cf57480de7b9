"""What somebody typed decides nothing about rows of others; what a person was called before goes too."""

import json

import pytest

from models.audit import AuditEvent
from models.base import database, write_tx
from models.closure import Closure
from models.outbox import Mail
from models.partner import Member, Partner
from models.stored_file import StoredFile
from models.sub_account import Region, SubAccount
from services import erasure, erasure_paths, erasure_words, housekeeping
from services.audit import record
from tests.cast import act_of
from tests.models import rows
from tests.services import leaving

WORDS = ("operator", "reserved_bytes", "127.0.0.1", "10000000000", "Contoso Ltd", "GB123456789", "s3.example.com")


def everything(without: tuple[str, ...]) -> dict:
    return {
        table: list(database.execute_sql(f'SELECT * FROM "{table}"').fetchall())  # noqa: S608 - own names
        for table in database.get_tables()
        if table not in without
    }


def whole_trail() -> list[dict]:
    """Without addresses, which the purge shortens."""
    return [{**row, "ip": ""} for row in AuditEvent.select().order_by(AuditEvent.id).dicts()]


@pytest.mark.parametrize("word", WORDS)
def test_a_strangers_words_change_nothing_of_others(cast, acting, settings, clock, word):
    Region.update(endpoint="http://127.0.0.1:8333/s3.example.com/operator").execute()
    with write_tx():
        after = {"reserved_bytes": 10000000000, "operator": "Contoso Ltd", "ip": "127.0.0.1", "vat_id": "GB123456789"}
        record(
            act_of(cast.olga, clock.now()), "contract.created", cast.other_contract, partner=cast.contoso, after=after
        )
    rows.make(Mail, partner=cast.contoso, recipient=cast.charlie.email, subject=f"About {word}", text=f"See {word}")
    rows.make(Mail, recipient=cast.olga.email, subject=f"About {word}", text=f"See {word}")
    at = clock.now()
    clock.advance(days=settings.sign_up_draft_days)
    named = {"legal_name": word, "street": word, "register_number": word, "vat_id": word, "phone": word}
    draft = rows.make(Partner, state="draft", created_at=at, **named)
    # not confirmed: nobody has shown that this address is the stranger's
    rows.make(Member, partner=draft, name=word, phone=word, email="kim@customer.example.com", email_confirmed_at=None)
    SubAccount.update(contact_email="kim@customer.example.com").execute()
    rows.make(Mail, partner=cast.contoso, recipient="kim@customer.example.com", text="To kim@customer.example.com")
    trail_of_it = ("audit_event", "audit_personal", "audit_head")
    own = ("partner", "member", "erasure", "purge_report", *trail_of_it, "sqlite_sequence")
    before, trail = everything(own), whole_trail()
    assert housekeeping.purge(acting(), settings).removed["unfinished_sign_ups"] == 1
    assert everything(own) == before
    assert whole_trail()[: len(trail)] == trail


def test_in_json_texts_change_and_neither_keys_nor_numbers():
    words = {"anna.alt@example.com": "former member #1", "1234567": "former member #1"}
    text = json.dumps({"anna.alt@example.com": 1234567, "who": ["Anna.Alt@example.com, yes", {"n": 1234567}]})
    assert json.loads(erasure_words._in_json(text, words)) == {
        "anna.alt@example.com": 1234567, "who": ["former member #1, yes", {"n": 1234567}],
    }  # fmt: skip


def test_every_column_that_is_written_to_is_there_and_belongs_to_partners(db):
    for name in {*erasure_words.NAMES, *erasure_words.TEXTS}:
        table = erasure_paths.tables()[name]
        columns = {*erasure_words.NAMES.get(name, ()), *erasure_words.TEXTS.get(name, ())}
        assert columns <= set(table._meta.columns), name
        assert name == "stored_file" or erasure_paths.is_owned(table), name


def test_a_proved_address_goes_from_mails_and_the_trail_of_others(cast, acting, settings, clock):
    Member.update(email_confirmed_at=clock.now()).where(Member.id == cast.alice.id).execute()
    with write_tx():
        after = {"note": f"wrote {cast.alice.email}"}
        record(
            act_of(cast.olga, clock.now()), "contract.changed", cast.other_contract, partner=cast.contoso, after=after
        )
    staff = rows.make(Mail, recipient=cast.olga.email, subject=f"{cast.northwind.legal_name} is stuck", template="x")
    erasure.erase_partner(acting(), settings, cast.northwind)
    row = AuditEvent.get(AuditEvent.action == "contract.changed")
    assert row.after == {"note": f"wrote former member #{cast.alice.id}"}
    assert Mail.get_by_id(staff.id).subject == f"former partner #{cast.northwind.id} is stuck"


def test_earlier_names_and_addresses_of_a_person_go_too(cast, acting, settings, clock):
    """As the profile writes them: another name, a wanted address, a confirmed one."""
    alice, act = cast.alice, act_of(cast.alice, clock.now())
    Member.update(role="admin").where(Member.id == cast.bob.id).execute()
    Member.update(email_confirmed_at=clock.now(), wanted_email="third@example.com").where(
        Member.id == alice.id
    ).execute()
    old = ("Anna Altmann", "anna.alt@example.com", "+49 30 1234567", "second@example.com", "third@example.com")
    with write_tx():
        changed = ({"name": old[0], "phone": old[2]}, {"name": alice.name, "phone": alice.phone})
        record(act, "member.changed", alice, partner=alice.partner_id, before=changed[0], after=changed[1])
        record(act, "member.mail_asked", alice, partner=alice.partner_id, after={"wanted_email": old[3]})
        moved = ({"email": old[1]}, {"email": alice.email})
        record(act, "member.mail_changed", alice, partner=alice.partner_id, before=moved[0], after=moved[1])
        about = {"reason": f"{old[0]} <{old[1]}> asked for it"}
        record(act, "contract.changed", cast.contract, partner=alice.partner_id, after=about)
    rows.make(Mail, partner=cast.northwind, recipient=old[1], template="mail_changed", text=f"Dear {old[0]}")
    rows.make(Mail, partner=cast.northwind, recipient=old[3], template="mail_change", text=f"Dear {old[0]}")
    rows.make(Mail, recipient=old[1], template="password_reset_unknown", text="words")
    erasure.erase_member(acting(), settings, alice)
    assert leaving.places_of([*old, alice.name, alice.email], ("archive_record",)) == set()
    assert AuditEvent.get(AuditEvent.action == "member.changed").before is None


def test_a_person_who_took_a_colleagues_name_takes_nothing_of_the_colleague_along(cast, acting, settings, clock):
    Member.update(role="admin").where(Member.id == cast.bob.id).execute()
    with write_tx():
        taken = {"name": cast.bob.name}
        record(act_of(cast.alice, clock.now()), "member.changed", cast.alice, partner=cast.northwind, after=taken)
        record(act_of(cast.bob, clock.now()), "contract.changed", cast.contract, partner=cast.northwind)
    erasure.erase_member(acting(), settings, cast.alice)
    assert AuditEvent.get(AuditEvent.action == "contract.changed").actor_name == cast.bob.name


def test_the_file_of_a_row_that_stays_goes_with_its_partner(cast, acting, settings, clock):
    file = rows.make(StoredFile, name="certificate.pdf", content=b"Alice Adler")
    values = leaving.SENSIBLE["closure"]
    closure = rows.make(Closure, partner=cast.northwind, file=file, contract=None, **values)
    erasure.erase_partner(acting(), settings, cast.northwind)
    assert Closure.get_by_id(closure.id).file_id is None
    assert not StoredFile.select().where(StoredFile.id == file.id).exists()
