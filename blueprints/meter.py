"""How good a password is, said while it is chosen. What is sent here is looked at and forgotten: it is in no address,
no log and no cache."""

from flask import Blueprint, Response, request

from blueprints.access import act, public
from blueprints.errors import words
from blueprints.partials import answer
from services import attempts, passwords

bp = Blueprint("meter", __name__)


@bp.post("/password/strength")
@public
def show() -> Response:
    attempts.count_of_network(act(), attempts.METER)
    text = request.form.get("password", "")
    fewest = passwords.SHORTEST_WITH_SECOND_FACTOR if request.form.get("short") == "yes" else passwords.SHORTEST
    problem = None
    try:
        passwords.refuse_weak(text, with_second_factor=fewest < passwords.SHORTEST)
    except passwords.PasswordRefused as refusal:
        problem = words(refusal)
    strength = passwords.strength(text) if text else None
    return answer("auth/_strength.html", problem=problem if text else None, strength=strength)
