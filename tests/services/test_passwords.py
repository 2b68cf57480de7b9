import time

import pytest
from argon2 import PasswordHasher

from services import passwords
from services.passwords import PasswordRefused, refuse_weak

KNOWN = ("Alice Adler", "alice@northwind.example.com", "Northwind Traders GmbH")


def test_a_password_matches_its_hash_and_no_other():
    kept = passwords.hashed("correct horse battery staple")
    assert passwords.matches(kept, "correct horse battery staple")
    assert not passwords.matches(kept, "correct horse battery stapl")
    assert not passwords.matches(kept, "")


def test_the_hash_is_argon2id_with_the_owasp_parameters_and_a_salt_of_its_own():
    first, second = passwords.hashed("the same password"), passwords.hashed("the same password")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


def test_the_same_password_from_another_keyboard_matches():
    kept = passwords.hashed("Ｆｕｌｌ width ﬁsh, e\u0301t\u00e9")
    assert passwords.matches(kept, "Full width fish, \u00e9te\u0301")


def test_a_long_password_is_compared_to_its_end():
    kept = passwords.hashed("x" * 99 + "a")
    assert not passwords.matches(kept, "x" * 99 + "b")


def test_nobody_has_an_empty_hash():
    assert not passwords.matches("", "nobody has this password")
    assert not passwords.matches("", "")


def test_nobody_costs_as_much_work_as_somebody():
    kept = passwords.hashed("correct horse battery staple")

    def seconds(password_hash: str) -> float:
        started = time.process_time()
        passwords.matches(password_hash, "a wrong guess")
        return time.process_time() - started

    seconds(kept)
    somebody, nobody = min(seconds(kept) for _ in range(9)), min(seconds("") for _ in range(9))
    assert 0.5 < nobody / somebody < 2


def test_an_older_hash_asks_to_be_made_anew():
    older = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse battery staple")
    assert passwords.needs_rehash(older)
    assert passwords.matches(older, "correct horse battery staple")
    assert not passwords.needs_rehash(passwords.hashed("correct horse battery staple"))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "fünf Wörter in einer Reihe",
        "кто рано встаёт, тому дождь",
        "alice walks the dog at midnight",
        "        seven  spaces around words ",
        "Tr0mbone?lamp%river",
        "kaffee" + "qzvxw" * 20,
    ],
)
def test_a_good_password_is_taken(password: str):
    refuse_weak(password, KNOWN)


@pytest.mark.parametrize("password", ["", "short", "fourteen chars", "é" * 7 + "e\u0301" * 7])
def test_a_short_password_is_refused_with_the_length_that_is_needed(password: str):
    with pytest.raises(PasswordRefused) as refused:
        refuse_weak(password, KNOWN)
    assert refused.value.field == "password"
    assert refused.value.values["fewest"] == 15


def test_eight_characters_are_enough_with_a_second_factor():
    refuse_weak("vK7#pQ2z", KNOWN, with_second_factor=True)
    with pytest.raises(PasswordRefused):
        refuse_weak("vK7#pQ2z", KNOWN)


def test_a_hundred_characters_are_taken_and_two_hundred_are_not():
    long = "every word of this sentence is another one, and so it goes on and on until a hundred signs are full."
    refuse_weak(long)
    with pytest.raises(PasswordRefused, match="longer than"):
        refuse_weak(long * 2)


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaaaaaa",
        "passwordpassword1",
        "123456789012345",
        "qwertyuiopasdfghjkl",
        "iloveyouiloveyou",
        "abcdefghijklmnop",
        "Password123456789",
        "Summer2026Summer2026",
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str):
    with pytest.raises(PasswordRefused):
        refuse_weak(password, KNOWN)


@pytest.mark.parametrize(
    "password", ["NorthwindTraders2026", "northwind-portal-2026", "alice.adler.alice", "Partner Portal Storage 1"]
)
def test_a_password_of_the_persons_own_words_is_refused(password: str):
    with pytest.raises(PasswordRefused, match="mostly your name"):
        refuse_weak(password, KNOWN)


def test_no_rule_asks_for_digits_or_capitals():
    refuse_weak("wandering otters hum quietly", KNOWN)
