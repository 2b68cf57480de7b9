"""Signing up in steps: company, person, check, terms, mail. What was entered waits on the server for this device."""

from blueprints.signup import agreement, confirm, details
from blueprints.signup.device import bp

__all__ = ["agreement", "bp", "confirm", "details"]
