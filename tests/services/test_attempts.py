from concurrent.futures import ThreadPoolExecutor

import pytest

from models.base import database
from models.session import Attempt
from services import attempts
from services.attempts import NewPasswordNeeded, TooManyAttempts
from services.audit import Act

ALICE = "alice@northwind.example.com"


@pytest.fixture
def from_network(clock):
    return lambda ip="192.0.2.7": Act(at=clock.now(), kind="visitor", source="web", ip=ip)


def fail(act: Act, address: str, times: int) -> None:
    for _ in range(times):
        attempts.count(act, address)


def test_the_eleventh_guess_within_five_minutes_waits(db, from_network, clock):
    fail(from_network(), ALICE, 10)
    clock.advance(minutes=2)
    with pytest.raises(TooManyAttempts) as refused:
        attempts.count(from_network(), ALICE)
    assert refused.value.wait_seconds == 180
    assert refused.value.values == {"minutes": 3}


def test_waiting_always_helps(db, from_network, clock):
    fail(from_network(), ALICE, 10)
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            attempts.count(from_network(), ALICE)
    clock.advance(minutes=5)
    attempts.count(from_network(), ALICE)


def test_the_limit_outlives_a_restart_because_it_is_in_the_database(db, from_network):
    fail(from_network(), ALICE, 10)
    database.close()
    database.connect()
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(), ALICE)


def test_a_guesser_elsewhere_does_not_lock_the_owner_out(db, from_network):
    fail(from_network("198.51.100.66"), ALICE, 10)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network("198.51.100.66"), ALICE)
    attempts.count(from_network("192.0.2.7"), ALICE)


def test_one_network_gets_fifty_guesses_over_all_accounts(db, from_network):
    for number in range(50):
        attempts.count(from_network(), f"person{number}@example.com")
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(), "one-more@example.com")
    attempts.count(from_network("192.0.2.8"), "one-more@example.com")


def test_the_addresses_of_one_ipv6_customer_count_as_one(db, from_network):
    for number in range(10):
        attempts.count(from_network(f"2001:db8:1:2::{number:x}"), ALICE)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network("2001:db8:1:2:ffff::1"), ALICE)
    attempts.count(from_network("2001:db8:1:3::1"), ALICE)


def test_an_address_is_the_same_however_it_is_written(db, from_network):
    fail(from_network(), ALICE, 5)
    fail(from_network(), f"  {ALICE.upper()} ", 5)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(), ALICE)


def test_the_right_password_starts_the_count_anew_and_spares_the_network(db, from_network):
    for _ in range(60):
        attempts.count(from_network(), ALICE)
        attempts.forgive(from_network(), ALICE)
    fail(from_network(), ALICE, 10)


def test_after_a_hundred_failures_in_a_row_a_new_password_is_needed(db, from_network):
    for number in range(100):
        attempts.count(from_network(f"198.51.100.{number}"), ALICE)
    with pytest.raises(NewPasswordNeeded):
        attempts.count(from_network("192.0.2.7"), ALICE)
    attempts.forgive(from_network("192.0.2.7"), ALICE)
    attempts.count(from_network("192.0.2.7"), ALICE)


def test_a_known_device_has_a_limit_of_its_own(db, from_network, clock):
    for _ in range(10):
        attempts.count(from_network(), ALICE, device="the kitchen's")
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network("198.51.100.9"), ALICE, device="the kitchen's")
    attempts.count(from_network(), ALICE, device="the office's")
    attempts.count(from_network(), ALICE)


def test_a_known_device_that_failed_a_hundred_times_in_a_row_is_a_stranger(db, from_network, clock):
    for _ in range(100):
        clock.advance(minutes=1)
        attempts.count(from_network(), ALICE, device="stolen")
    fail(from_network(), ALICE, 10)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(), ALICE, device="stolen")
    attempts.forgive(from_network(), ALICE, "stolen")
    attempts.count(from_network(), ALICE, device="stolen")


def test_fifty_at_once_are_counted_as_fifty(db, from_network):
    act = from_network()

    def guess(number: int) -> bool:
        try:
            with database.connection_context():
                attempts.count(act, ALICE)
        except TooManyAttempts:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        allowed = sum(pool.map(guess, range(50)))
    assert allowed == 10


def test_mails_on_request_have_a_limit_of_their_own(db, from_network):
    for _ in range(3):
        attempts.count(from_network(), ALICE, attempts.MAIL)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(), ALICE, attempts.MAIL)
    attempts.count(from_network(), ALICE)


def test_the_table_does_not_name_whom_somebody_tried_to_be(db, from_network):
    attempts.count(from_network(), ALICE)
    assert all("alice" not in row.subject for row in Attempt.select())


def test_counters_that_are_over_are_tidied_away(db, from_network, clock):
    attempts.count(from_network(), ALICE)
    clock.advance(minutes=5)
    assert attempts.tidy(clock.now()) == 2
    clock.advance(days=400)
    assert attempts.tidy(clock.now()) == 1


def test_an_address_without_a_network_is_counted_too(db, from_network):
    fail(from_network(""), ALICE, 10)
    with pytest.raises(TooManyAttempts):
        attempts.count(from_network(""), ALICE)
