"""Second factors: codes work once, recovery codes burn, policy and passwords follow from who has one."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.audit import AuditEvent
from models.base import database, write_tx
from models.outbox import Mail
from models.partner import Partner
from models.second_factor import Passkey, RecoveryCode, Totp, TrustedDevice
from models.session import Session
from services import (
    attempts,
    links,
    log_in,
    passwords,
    recovery_codes,
    rekey,
    second_factor,
    sessions,
    step_up,
    totp,
    trusted_devices,
)
from services.attempts import CodesClosed, TooManyAttempts
from services.passwords import PasswordRefused
from services.refusal import NotFound
from services.second_factor import FactorNeeded
from services.totp import CodeRefused, NothingBegun
from tests.services.factors import App, with_app, with_passkey


def templates() -> list[str]:
    return [mail.template for mail in Mail.select().order_by(Mail.id)]


def at_once(work, times: int = 2) -> list:
    """What each of `times` threads gets that begin together: the answer, or the refusal's class."""
    start = threading.Barrier(times)

    def one():
        with database.connection_context():
            start.wait(10)
            try:
                return work()
            except CodeRefused:
                return CodeRefused

    with ThreadPoolExecutor(times) as threads:
        return [done.result(30) for done in [threads.submit(one) for _ in range(times)]]


def test_an_app_counts_once_its_first_code_was_entered(cast, settings, acting):
    alice, act = cast.alice, acting(cast.alice)
    app = App(totp.begin(act, settings, alice).reveal())
    assert not second_factor.has(alice)
    with pytest.raises(CodeRefused):
        second_factor.confirm_app(act, settings, alice, "000000")
    codes = second_factor.confirm_app(act, settings, alice, app.code(act.at))
    assert second_factor.has(alice)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-z2-9]{4}(-[a-z2-9]{4}){3}", code) for code in codes)
    assert templates() == ["factor_added"]
    assert [event.action for event in AuditEvent.select()][-1] == "totp.added"


def test_the_same_key_is_shown_until_it_is_confirmed_or_an_hour_passed(cast, settings, acting, clock):
    first = totp.begin(acting(cast.alice), settings, cast.alice)
    clock.advance(minutes=60)
    assert totp.begin(acting(cast.alice), settings, cast.alice) == first
    clock.advance(minutes=1)
    assert totp.begin(acting(cast.alice), settings, cast.alice) != first
    clock.advance(minutes=61)
    with pytest.raises(NothingBegun):
        second_factor.confirm_app(acting(cast.alice), settings, cast.alice, "123456")


def test_a_code_works_once_and_with_one_step_to_either_side(cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)

    def check(steps: int) -> str:
        return second_factor.check_code(acting(cast.alice), settings, cast.alice, app.code(clock.now(), steps))

    with pytest.raises(CodeRefused):  # it set the app up
        check(0)
    clock.advance(minutes=5)
    for steps in (-2, 2):
        with pytest.raises(CodeRefused):
            check(steps)
    assert check(-1) == "code"
    assert check(0) == "code"
    assert check(1) == "code"
    for used_or_older in (-1, 0, 1):
        with pytest.raises(CodeRefused):
            check(used_or_older)


def test_a_code_may_be_typed_with_blanks_and_nothing_else_passes(cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)
    clock.advance(minutes=5)
    code = app.code(clock.now())
    act = acting(cast.alice)
    for wrong in ("", "12345", "1234567", "１２３４５６", "٣٤٥٦٧٨", code + "0", "null", "0x1234"):
        with pytest.raises(CodeRefused):
            second_factor.check_code(act, settings, cast.alice, wrong)
    assert second_factor.check_code(act, settings, cast.alice, f" {code[:3]} {code[3:]}") == "code"


def test_of_one_code_entered_twice_at_once_one_wins(db, cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)
    clock.advance(minutes=5)
    act, code = acting(cast.alice), app.code(clock.now())
    found = at_once(lambda: second_factor.check_code(act, settings, cast.alice, code), 4)
    assert sorted(found, key=str) == sorted(["code", *[CodeRefused] * 3], key=str)


def test_of_one_recovery_code_entered_twice_at_once_one_wins(db, cast, settings, acting):
    _app, codes = with_app(acting(cast.alice), settings, cast.alice)
    act = acting(cast.alice)
    found = at_once(lambda: second_factor.check_code(act, settings, cast.alice, codes[3]), 4)
    assert sorted(found, key=str) == sorted(["recovery code", *[CodeRefused] * 3], key=str)
    assert recovery_codes.left(cast.alice) == 9
    assert templates().count("recovery_code_used") == 1


def test_a_recovery_code_is_kept_as_a_salted_hash_and_burned_by_its_use(cast, settings, acting):
    _app, codes = with_app(acting(cast.alice), settings, cast.alice)
    kept = " ".join(f"{row.salt} {row.code_hash}" for row in RecoveryCode.select())
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    act = acting(cast.alice)
    assert second_factor.check_code(act, settings, cast.alice, codes[0].upper().replace("-", " ")) == "recovery code"
    with pytest.raises(CodeRefused):
        second_factor.check_code(act, settings, cast.alice, codes[0])
    mail = Mail.select().order_by(Mail.id.desc()).get()
    assert "9 are left" in mail.text
    assert codes[0] not in mail.text


def test_a_new_set_of_codes_replaces_the_old_and_another_persons_do_not_work(cast, settings, acting):
    _app, old = with_app(acting(cast.alice), settings, cast.alice)
    _other, bobs = with_app(acting(cast.bob), settings, cast.bob)
    new = second_factor.new_codes(acting(cast.alice), cast.alice)
    act = acting(cast.alice)
    for wrong in (old[1], bobs[1]):
        with pytest.raises(CodeRefused):
            second_factor.check_code(act, settings, cast.alice, wrong)
    assert second_factor.check_code(act, settings, cast.alice, new[1]) == "recovery code"


def test_who_has_no_factor_gets_no_recovery_codes(cast, acting):
    with pytest.raises(FactorNeeded):
        second_factor.new_codes(acting(cast.alice), cast.alice)


def test_guesses_are_counted_before_they_are_looked_at(cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)
    clock.advance(minutes=5)
    act = acting(cast.alice)
    for _ in range(attempts.LIMITS[attempts.SECOND].per_account):
        with pytest.raises(CodeRefused):
            second_factor.check_code(act, settings, cast.alice, "000000")
    with pytest.raises(TooManyAttempts):
        second_factor.check_code(act, settings, cast.alice, app.code(clock.now()))


def test_a_hundred_guesses_from_anywhere_close_codes_but_not_for_a_known_device(cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)
    clock.advance(minutes=5)

    def guess(number: int, code: str, device: str = "") -> str:
        act = acting(None, ip=f"198.51.{number // 250}.{number % 250}")
        return second_factor.check_code(act, settings, cast.alice, code, device)

    for number in range(100):
        with pytest.raises(CodeRefused):
            guess(number, "000000")
    with pytest.raises(CodesClosed):
        guess(200, app.code(clock.now()))
    assert guess(201, app.code(clock.now()), device="her own") == "code"


def test_a_right_code_lets_the_counters_start_anew_and_a_new_password_opens_codes_again(cast, settings, acting, clock):
    app, _codes = with_app(acting(cast.alice), settings, cast.alice)
    for _ in range(3):
        clock.advance(minutes=1)
        for _ in range(9):
            with pytest.raises(CodeRefused):
                second_factor.check_code(acting(cast.alice), settings, cast.alice, "000000")
        second_factor.check_code(acting(cast.alice), settings, cast.alice, app.code(clock.now()))


def test_the_seed_is_sealed_at_rest_and_counted_by_rekey(cast, settings, acting):
    seed = totp.begin(acting(cast.alice), settings, cast.alice).reveal()
    second_factor.confirm_app(acting(cast.alice), settings, cast.alice, App(seed).code(acting().at))
    row = Totp.get()
    assert seed not in f"{row.seed_ct} {row.wanted_ct}"
    counted = {standing.column: standing.newest for standing in rekey.look(settings)}
    assert (counted["totp.seed_ct"], counted["totp.wanted_ct"]) == (1, 0)


def test_a_factor_whose_seed_is_lost_stays_on(cast, settings, acting, clock):
    """A lost data key must not make a password enough."""
    app, codes = with_app(acting(cast.alice), settings, cast.alice)
    Totp.update(seed_ct=None).execute()
    clock.advance(minutes=5)
    assert second_factor.has(cast.alice)
    with pytest.raises(CodeRefused):
        second_factor.check_code(acting(cast.alice), settings, cast.alice, app.code(clock.now()))
    assert second_factor.check_code(acting(cast.alice), settings, cast.alice, codes[0]) == "recovery code"


def test_a_change_of_factors_ends_other_log_ins_and_every_trust(cast, settings, acting, clock):
    token = sessions.begin(acting(cast.alice), cast.alice, settings)
    mine = sessions.begin(acting(cast.alice), cast.alice, settings)
    act = acting(cast.alice, session_hash=sessions.token_hash(mine))
    with_app(act, settings, cast.alice)
    assert sessions.recognise(token, clock.now(), settings) is None
    assert sessions.recognise(mine, clock.now(), settings) is not None
    trust = trusted_devices.trust(act, cast.alice, "Firefox")
    assert second_factor.asked(act, cast.alice, [trust])[0] is False
    second_factor.remove_app(act, settings, cast.alice, cast.password)
    assert TrustedDevice.get().ended_at is not None
    assert templates() == ["factor_added", "factor_removed"]
    assert RecoveryCode.select().count() == 0
    assert Session.select().where(Session.ended_at.is_null()).count() == 1


def test_trust_is_for_its_person_for_thirty_days_and_can_be_ended(cast, settings, acting, clock):
    with_app(acting(cast.alice), settings, cast.alice)
    with_app(acting(cast.bob), settings, cast.bob)
    token = trusted_devices.trust(acting(cast.alice), cast.alice, "Firefox")
    assert second_factor.asked(acting(), cast.alice, ["x", token])[0] is False
    assert second_factor.asked(acting(), cast.bob, [token])[0] is True
    clock.advance(days=30)
    assert second_factor.asked(acting(), cast.alice, [token])[0] is True
    other = trusted_devices.trust(acting(cast.alice), cast.alice, "Firefox")
    row = TrustedDevice.select().order_by(TrustedDevice.id.desc()).get()
    with pytest.raises(NotFound):
        trusted_devices.end(acting(cast.bob), cast.bob, row.id)
    trusted_devices.end(acting(cast.alice), cast.alice, row.id)
    assert second_factor.asked(acting(), cast.alice, [other])[0] is True


def test_the_last_factor_goes_only_with_a_long_password(cast, settings, acting):
    with_app(acting(cast.alice), settings, cast.alice)
    cast.alice.password_hash = passwords.hashed("mAx7 quoz!")
    cast.alice.save()
    for wrong, told in (("guess", "not right"), ("mAx7 quoz!", "at least")):
        with pytest.raises(PasswordRefused, match=told):
            second_factor.remove_app(acting(cast.alice), settings, cast.alice, wrong)
    assert second_factor.has(cast.alice)


def test_eight_characters_are_enough_beside_a_factor_and_fifteen_without(cast, settings, acting):
    def choose(person) -> None:
        token = links.issue(acting(), "reset_password", person)
        log_in.choose_password(acting(), settings, "reset_password", token, "mAx7 quoz!")

    with pytest.raises(PasswordRefused):
        choose(cast.bob)
    with_app(acting(cast.alice), settings, cast.alice)
    choose(cast.alice)
    assert second_factor.has(type(cast.alice).get_by_id(cast.alice.id))  # a new password skips nothing


@pytest.mark.parametrize("person", ["olga", "alice"])
def test_who_must_have_a_factor_cannot_remove_the_last(cast, settings, acting, person):
    Partner.update(second_factor_required=True).execute()
    person = type(getattr(cast, person)).get_by_id(getattr(cast, person).id)
    with_app(acting(person), settings, person)
    with pytest.raises(FactorNeeded):
        second_factor.remove_app(acting(person), settings, person, cast.password)
    assert second_factor.has(person)


def test_an_administrator_asks_everybody_only_with_an_own_factor(cast, settings, acting):
    with pytest.raises(FactorNeeded):
        second_factor.want_of_all(acting(cast.alice), settings, cast.alice, True)
    with_app(acting(cast.alice), settings, cast.alice)
    assert not second_factor.must(cast.bob)
    for _ in (1, 2):
        second_factor.want_of_all(acting(cast.alice), settings, cast.alice, True)
    assert second_factor.must(type(cast.bob).get_by_id(cast.bob.id))
    assert not second_factor.must(cast.charlie)
    assert second_factor.must(cast.oscar)
    assert AuditEvent.select().where(AuditEvent.action == "partner.second_factor").count() == 1


def test_nothing_of_a_factor_is_in_trail_or_mails(cast, settings, acting, clock):
    seed = totp.begin(acting(cast.alice), settings, cast.alice).reveal()
    codes = second_factor.confirm_app(acting(cast.alice), settings, cast.alice, App(seed).code(clock.now()))
    second_factor.check_code(acting(cast.alice), settings, cast.alice, codes[0])
    told = " ".join(f"{event.before} {event.after}" for event in AuditEvent.select())
    told += " ".join(f"{mail.subject} {mail.text} {mail.html}" for mail in Mail.select())
    assert not any(secret in told for secret in [seed, *codes])


def test_everything_can_be_dropped_for_who_is_cut_off(cast, settings, acting):
    with_app(acting(cast.alice), settings, cast.alice)
    trusted_devices.trust(acting(cast.alice), cast.alice, "Firefox")
    with write_tx():
        second_factor.drop_all(acting(cast.olga), cast.alice)
    assert not second_factor.has(cast.alice)
    assert recovery_codes.left(cast.alice) == 0


def test_of_two_factors_removed_at_once_one_stays_where_one_must(cast, settings, acting, monkeypatch):
    """Each removal saw the other factor when it asked whether it was the last."""
    olga, act = cast.olga, acting(cast.olga)
    with_app(act, settings, olga)
    with_passkey(act, settings, olga)
    asked = second_factor.refuse_to_lose

    def other_first(*given, **which):
        asked(*given, **which)
        Passkey.delete().execute()

    monkeypatch.setattr(second_factor, "refuse_to_lose", other_first)
    with pytest.raises(FactorNeeded):
        second_factor.remove_app(act, settings, olga, cast.password)
    assert second_factor.has(olga)


def test_the_password_proves_nothing_where_there_is_a_factor(cast, settings, acting, clock):
    with_app(acting(cast.alice), settings, cast.alice)
    token = sessions.begin(acting(cast.alice), cast.alice, settings, proved=False)
    session = sessions.recognise(token, clock.now(), settings)
    with pytest.raises(step_up.ProofRefused):
        step_up.with_password(acting(cast.alice), session, cast.password)
    assert not sessions.is_proved(sessions.recognise(token, clock.now(), settings), clock.now(), settings)
