"""Choosing the language: kept with the person, and with this browser."""

from flask import Blueprint, current_app, request, session

from blueprints.access import public, viewer
from blueprints.headers import own_path
from blueprints.partials import leave_to
from models.base import write_tx

bp = Blueprint("language", __name__)


@bp.post("/language")
@public
def choose():
    wanted = request.form.get("language", "")
    if wanted in current_app.settings.locales:
        session["language"] = wanted
        if viewer.is_authenticated:
            viewer.person.locale = wanted
            with write_tx():
                viewer.person.save(only=["locale"])
    return leave_to(own_path(request.form.get("next")) or "/")
