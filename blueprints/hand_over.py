"""The link by which a customer gets a key: a button, then the pair once. No log-in; the token is all that is needed."""

from flask import Blueprint, current_app, g

from blueprints.access import act, public
from blueprints.errors import words
from blueprints.formats import language
from blueprints.partials import answer
from services import connection, hand_over
from services.attempts import TooManyAttempts
from services.features import text_in
from services.refusal import NotFound, Refusal

bp = Blueprint("hand_over", __name__, url_prefix="/hand-over")


@bp.get("/<token:token>")
@public(area="key_hand_over")
def ask(token: str):
    """Uses nothing up: mail scanners open every link. The page shows whose key it is and from whom, and no secret."""
    try:
        link = hand_over.look(token, g.clock.now())
    except Refusal as refusal:
        return over(refusal)
    account = link.access_key.sub_account
    return answer("hand_over/ask.html", token=token, link=link, partner=account.partner, customer=account.customer)


@bp.post("/<token:token>")
@public(area="key_hand_over")
def show(token: str):
    """The pair is the answer of this POST; a second one is told that the link was used."""
    try:
        handed = hand_over.use(act(), current_app.settings, token)
    except TooManyAttempts as refusal:
        response = answer("hand_over/over.html", reason=words(refusal), status=429)
        response.headers["Retry-After"] = str(refusal.wait_seconds)
        return response
    except Refusal as refusal:
        return over(refusal)
    to = connection.of(handed.account, handed.access_key_id)
    snippets = connection.snippets(to, handed.secret)
    return answer("hand_over/shown.html", handed=handed, secret=handed.secret, connection=to, snippets=snippets)


def over(refusal: Refusal):
    """Why the link shows nothing. An unknown one says what a mistyped one does."""
    if isinstance(refusal, hand_over.HandOverOff):
        return answer("hand_over/off.html", reason=text_in(refusal.texts, language()), status=403)
    unknown = isinstance(refusal, NotFound)
    used = isinstance(refusal, hand_over.HandOverUsed)
    status = 404 if unknown else 410
    return answer("hand_over/over.html", reason="" if unknown else words(refusal), used=used, status=status)
