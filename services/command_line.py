"""How a command of whoever runs the portal says that it did not do what it was asked."""


class NotDone(Exception):
    """The text is one English sentence that says what to do."""
