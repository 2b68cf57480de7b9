"""A value that must not be printed, and the box that keeps such values at rest."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Secret:
    """A text that shows itself only when asked: `repr`, `str`, formatting and pickling never give it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str):
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self):
        raise TypeError("a secret is not written out")


class SealBroken(Exception):
    """The ciphertext was made with a key that is not among the configured data keys."""


class Vault:
    """Encrypts with the newest data key, opens with any configured one (PORTAL_DATA_KEYS, newest first)."""

    def __init__(self, keys: tuple[str, ...]):
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: Secret) -> str:
        return self._fernet.encrypt(secret.reveal().encode()).decode()

    def open(self, ciphertext: str) -> Secret:
        """Raises SealBroken when no configured key opens it."""
        try:
            return Secret(self._fernet.decrypt(ciphertext.encode()).decode())
        except InvalidToken as failure:
            raise SealBroken("no configured data key opens this ciphertext") from failure
