"""What time brings at the verification desk: partners are asked whether their details are still right, and applications
of barred companies are answered (T8, T9)."""

from services import barred, confirmation
from services.audit import Act
from services.settings import Settings


def sweep(act: Act, settings: Settings) -> list[str]:
    """Does what is due, a bounded number at a time; returns a line for each kind."""
    told = (
        (confirmation.ask_due(act, settings), "partners asked or told about their details"),
        (barred.answer_due(act, settings), "applications of barred companies refused"),
    )
    return [f"{number} {what}" for number, what in told if number]
