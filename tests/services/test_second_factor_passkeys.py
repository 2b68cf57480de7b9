"""Passkeys, with an authenticator in software: real keys, real signatures, and everything that must not pass."""

import json

import pytest

from models.outbox import Mail
from models.second_factor import Passkey, PasskeyChallenge
from services import attempts, passkeys, second_factor
from services.attempts import TooManyAttempts
from services.passkeys import PasskeyRefused
from tests.authenticator import Authenticator
from tests.services.factors import with_passkey


@pytest.fixture
def phone(cast, settings, acting) -> Authenticator:
    device, codes = with_passkey(acting(cast.alice), settings, cast.alice)
    assert len(codes) == 10
    return device


def check(acting, settings, device, purpose="sign_in", person=None, **wrong):
    question = passkeys.ask(acting(), settings, purpose, person)
    answer = device.sign(question.options, **wrong)
    return second_factor.check_passkey(acting(), settings, purpose, question.challenge_id, answer, person)


def test_a_passkey_signs_its_person_in_alone(cast, settings, acting, phone):
    assert check(acting, settings, phone) == cast.alice
    assert Passkey.get().last_used_at is not None
    assert [mail.template for mail in Mail.select()] == ["factor_added"]
    assert second_factor.has(cast.alice)


def test_operators_have_passkeys_too(cast, settings, acting):
    device, _codes = with_passkey(acting(cast.olga), settings, cast.olga)
    assert check(acting, settings, device) == cast.olga


def test_a_question_asks_for_verification_and_a_discoverable_passkey(cast, settings, acting, phone):
    asked = json.loads(passkeys.ask(acting(), settings, "sign_in").options)
    assert (asked["userVerification"], asked.get("allowCredentials")) == ("required", [])
    made = json.loads(passkeys.ask_new(acting(cast.alice), settings, cast.alice).options)
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert made["rp"]["id"] == "127.0.0.1"
    assert len(made["excludeCredentials"]) == 1
    assert cast.alice.email not in made["user"]["id"]


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "https://portal.evil.example"}, {"rp_id": "evil.example"}, {"origin": "http://127.0.0.1:9999"}],
)
def test_an_answer_for_another_site_is_refused(cast, settings, acting, phone, wrong):
    with pytest.raises(PasskeyRefused):
        check(acting, settings, phone, **wrong)


def test_an_answer_without_verification_is_refused(cast, settings, acting, phone):
    phone.verifies = False
    with pytest.raises(PasskeyRefused):
        check(acting, settings, phone)


def test_a_new_passkey_without_verification_or_of_another_site_is_refused(cast, settings, acting):
    with pytest.raises(PasskeyRefused):
        with_passkey(acting(cast.alice), settings, cast.alice, verifies=False)
    question = passkeys.ask_new(acting(cast.alice), settings, cast.alice)
    answer = Authenticator("https://evil.example").make(question.options)
    with pytest.raises(PasskeyRefused):
        second_factor.add_passkey(acting(cast.alice), settings, cast.alice, question.challenge_id, answer, "x")
    assert Passkey.select().count() == 0


def test_a_challenge_is_used_once_and_for_its_purpose(cast, settings, acting, phone, clock):
    question = passkeys.ask(acting(), settings, "sign_in")
    answer = phone.sign(question.options)
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "prove", question.challenge_id, answer)
    assert second_factor.check_passkey(acting(), settings, "sign_in", question.challenge_id, answer) == cast.alice
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "sign_in", question.challenge_id, answer)


def test_a_wrong_answer_uses_the_challenge_up(cast, settings, acting, phone):
    question = passkeys.ask(acting(), settings, "sign_in")
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "sign_in", question.challenge_id, "{}")
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "sign_in", question.challenge_id, phone.sign(question.options))


def test_a_challenge_is_answered_within_minutes_and_tidied_afterwards(cast, settings, acting, phone, clock):
    question = passkeys.ask(acting(), settings, "sign_in")
    clock.advance(minutes=passkeys.MINUTES)
    assert passkeys.tidy(clock.now()) == 1
    other = passkeys.ask(acting(), settings, "sign_in")
    clock.advance(minutes=passkeys.MINUTES)
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "sign_in", other.challenge_id, phone.sign(other.options))
    assert question.challenge_id != other.challenge_id
    assert PasskeyChallenge.select().count() == 0


def test_an_answer_to_somebody_elses_challenge_is_refused(cast, settings, acting, phone):
    mine, other = (passkeys.ask(acting(), settings, "sign_in") for _ in (1, 2))
    with pytest.raises(PasskeyRefused):
        second_factor.check_passkey(acting(), settings, "sign_in", mine.challenge_id, phone.sign(other.options))


def test_a_copied_passkey_is_found_by_its_counter(cast, settings, acting):
    device, _codes = with_passkey(acting(cast.alice), settings, cast.alice, count=5)
    assert check(acting, settings, device) == cast.alice
    device.count -= 1  # the copy counts from where it was taken
    with pytest.raises(PasskeyRefused):
        check(acting, settings, device)
    device.count = 0
    with pytest.raises(PasskeyRefused):
        check(acting, settings, device)


def test_another_persons_passkey_is_no_second_factor_of_mine(cast, settings, acting, phone):
    bobs, _codes = with_passkey(acting(cast.bob), settings, cast.bob)
    with pytest.raises(PasskeyRefused):
        check(acting, settings, bobs, "second", cast.alice)
    assert check(acting, settings, phone, "second", cast.alice) == cast.alice


def test_a_signature_of_another_key_or_an_unknown_passkey_is_refused(cast, settings, acting, phone):
    stranger = Authenticator(passkeys.origin(settings))
    with pytest.raises(PasskeyRefused):
        check(acting, settings, stranger)
    stranger.credential_id, stranger.user_handle = phone.credential_id, phone.user_handle
    with pytest.raises(PasskeyRefused):
        check(acting, settings, stranger)
    phone.user_handle = b"somebody else"
    with pytest.raises(PasskeyRefused):
        check(acting, settings, phone)


@pytest.mark.parametrize("answer", ["", "[]", "null", "{", '{"id": 5}', '{"id": "x", "response": 1}', "x" * 30_000])
def test_nonsense_is_refused_in_words(cast, settings, acting, phone, answer):
    for purpose, ask in (("sign_in", passkeys.ask(acting(), settings, "sign_in")),):
        with pytest.raises(PasskeyRefused):
            second_factor.check_passkey(acting(), settings, purpose, ask.challenge_id, answer)
    question = passkeys.ask_new(acting(cast.alice), settings, cast.alice)
    with pytest.raises(PasskeyRefused):
        second_factor.add_passkey(acting(cast.alice), settings, cast.alice, question.challenge_id, answer, "x")


def test_answers_are_counted_before_they_are_looked_at(cast, settings, acting, phone):
    for _ in range(attempts.LIMITS[attempts.PASSKEY].per_network):
        with pytest.raises(PasskeyRefused):
            second_factor.check_passkey(acting(), settings, "sign_in", 0, "{}")
    with pytest.raises(TooManyAttempts):
        check(acting, settings, phone)


def test_several_have_names_share_a_handle_and_go_one_by_one(cast, settings, acting, phone):
    with_passkey(acting(cast.alice), settings, cast.alice, "  Security key  ")
    first, second = passkeys.of(cast.alice)
    assert (first.name, second.name) == ("Phone", "Security key")
    assert first.user_handle == second.user_handle
    second_factor.remove_passkey(acting(cast.alice), settings, cast.alice, first.id, "")
    with pytest.raises(PasskeyRefused):
        check(acting, settings, phone)
    second_factor.remove_passkey(acting(cast.alice), settings, cast.alice, second.id, cast.password)
    assert not second_factor.has(cast.alice)


def test_nobody_has_more_than_ten(cast, settings, acting, clock):
    for number in range(passkeys.MOST_OF_A_PERSON):
        clock.advance(minutes=5)
        with_passkey(acting(cast.alice), settings, cast.alice, f"Key {number}")
    with pytest.raises(PasskeyRefused, match="ten passkeys"):
        with_passkey(acting(cast.alice), settings, cast.alice, "one more")


def test_of_two_uses_with_one_count_one_wins(cast, settings, acting):
    """Both were read before either was written."""
    with_passkey(acting(cast.alice), settings, cast.alice, count=5)
    as_read = [Passkey.get(), Passkey.get()]
    passkeys._count_up(acting(), as_read[0], 6)
    with pytest.raises(PasskeyRefused):
        passkeys._count_up(acting(), as_read[1], 6)
