"""People with second factors, for tests."""

import pyotp

from services import passkeys, second_factor, totp
from tests.authenticator import Authenticator


class App:
    """The app on a phone: knows the key, shows the code of a time."""

    def __init__(self, seed: str):
        self._maker = pyotp.TOTP(seed)

    def code(self, at, steps: int = 0) -> str:
        return self._maker.generate_otp(int(at.timestamp()) // 30 + steps)


def with_app(act, settings, person) -> tuple[App, list[str]]:
    """The person sets an app up; returns it and the recovery codes."""
    app = App(totp.begin(act, settings, person).reveal())
    return app, second_factor.confirm_app(act, settings, person, app.code(act.at))


def with_passkey(act, settings, person, name: str = "Phone", **how) -> tuple[Authenticator, list[str]]:
    device = Authenticator(passkeys.origin(settings), **how)
    question = passkeys.ask_new(act, settings, person)
    answer = device.make(question.options)
    return device, second_factor.add_passkey(act, settings, person, question.challenge_id, answer, name)
