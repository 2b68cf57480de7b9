"""How services say no: an exception with words for the person, free of language and of Flask."""


def N_(text: str) -> str:
    """Marks a sentence for translation; the page that shows it translates."""
    return text


class Refusal(Exception):
    """The act did not happen and nothing was changed.

    `text` is an English sentence (a message id) with %(name)s places, `field` the form field that it concerns.
    Values named `*_bytes`, `*_at` and `*_on` are written for the reader's locale by whoever shows the sentence.
    """

    def __init__(self, text: str, field: str | None = None, **values: object):
        super().__init__(text)
        self.text, self.field, self.values = text, field, values


class NotFound(Refusal):
    """No such thing for this person: unknown and foreign things answer alike."""

    def __init__(self) -> None:
        super().__init__(N_("There is nothing here that you can open."))
