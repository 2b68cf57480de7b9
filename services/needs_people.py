"""What the worker must not decide by itself."""


class NeedsPeople(Exception):
    """The worker must not go on by itself; `code` says why (the queue of the operators shows it)."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code
