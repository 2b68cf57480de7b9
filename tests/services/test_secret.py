"""A secret shows itself only when asked, and rests only sealed."""

import copy
import json
import logging
import pickle

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from services.secret import SealBroken, Secret, Vault
from services.storage.contract import KeyPair

TEXT = "wJalrXUtnFEMI-K7MDENG"
NEW, OLD, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r:>40}".format,
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: f"{secret}",
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: repr(KeyPair("AK1", secret)),
        lambda secret: repr(vars(KeyPair("AK1", secret))),
        lambda secret: json.dumps({"key": secret}, default=str),
    ],
)
def test_it_does_not_print(show):
    assert TEXT not in show(Secret(TEXT))


def test_it_does_not_reach_the_log(caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("portal").info("made %s and %r", Secret(TEXT), Secret(TEXT))
        try:
            raise ValueError(Secret(TEXT))
        except ValueError:
            logging.getLogger("portal").exception("failed")
    assert "failed" in caplog.text
    assert TEXT not in caplog.text


@pytest.mark.parametrize("write_out", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_written_out(write_out):
    with pytest.raises(TypeError, match="not written out"):
        write_out(Secret(TEXT))


def test_it_has_no_place_for_anything_else():
    with pytest.raises(AttributeError):
        Secret(TEXT).note = TEXT
    assert not hasattr(Secret(TEXT), "__dict__")


def test_equal_secrets_are_equal_and_a_text_is_not_a_secret():
    assert Secret(TEXT) == Secret(TEXT)
    assert len({Secret(TEXT), Secret(TEXT)}) == 1
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT


def test_it_reveals_itself_when_asked():
    assert Secret(TEXT).reveal() == TEXT


@given(st.text())
def test_what_is_sealed_is_opened_again(text):
    vault = Vault((NEW,))
    sealed = vault.seal(Secret(text))
    assert vault.open(sealed) == Secret(text)
    assert len(text) < 8 or text not in sealed


def test_the_same_secret_is_sealed_differently_each_time():
    vault = Vault((NEW,))
    assert vault.seal(Secret(TEXT)) != vault.seal(Secret(TEXT))


def test_an_older_data_key_still_opens_and_the_newest_seals():
    sealed = Vault((OLD,)).seal(Secret(TEXT))
    both = Vault((NEW, OLD))
    assert both.open(sealed) == Secret(TEXT)
    assert Vault((NEW,)).open(both.seal(Secret(TEXT))) == Secret(TEXT)


@pytest.mark.parametrize("ciphertext", ["", "nonsense", "gAAAAA", "ä"])
def test_what_no_data_key_opens_is_named_so_without_its_text(ciphertext):
    with pytest.raises(SealBroken, match="no configured data key"):
        Vault((NEW,)).open(ciphertext)


def test_another_installations_key_and_a_changed_seal_open_nothing():
    sealed = Vault((OTHER,)).seal(Secret(TEXT))
    with pytest.raises(SealBroken):
        Vault((NEW, OLD)).open(sealed)
    mine = Vault((NEW,)).seal(Secret(TEXT))
    changed = mine[:20] + ("A" if mine[20] != "A" else "B") + mine[21:]
    with pytest.raises(SealBroken):
        Vault((NEW,)).open(changed)
