"""New versions of documents, above every page: what has to be agreed to by when, and what takes effect by notice."""

from typing import NamedTuple

from flask import current_app, g, request, url_for
from flask_babel import gettext as _

from blueprints import formats
from blueprints.access import Permission, viewer
from services import consent_state
from services.clock import local_day
from services.consent_state import Question


class News(NamedTuple):
    title: str
    text: str
    url: str
    label: str


def news() -> list[News]:
    """Nothing on the pages of the documents themselves, which say it at length."""
    member = viewer.member if viewer.is_authenticated else None
    if member is None or (request.endpoint or "").startswith("terms."):
        return []
    state = consent_state.of(member, g.clock.now())
    return [_to_agree(question) for question in _once(state.pending)] + [
        _by_use(question) for question in _once(state.by_use)
    ]


def _once(questions: list[Question]) -> list[Question]:
    """Of several versions of a kind the newest."""
    return list({question.kind: question for question in questions}.values())


def _to_agree(question: Question) -> News:
    title = _("New version: %(title)s", title=question.title)
    until = formats.when(question.until_at)
    if question.personal:
        return News(title, _("Please read it until %(day)s.", day=until), url_for("terms.accept"), _("Read it"))
    if viewer.holds(Permission.TERMS_ACCEPT):
        text = _("Please agree for your company until %(day)s. After that nothing can be changed here.", day=until)
        return News(title, text, url_for("terms.accept"), _("Read and agree"))
    text = _("An administrator of your company has time to agree until %(day)s.", day=until)
    return News(title, text, url_for("terms.accept"), _("Who that is"))


def _by_use(question: Question) -> News:
    title = _("New version: %(title)s", title=question.title)
    day = formats.day(local_day(question.effective_at, current_app.settings.provider.time_zone))
    if question.effective_at > g.clock.now():
        text = _("It takes effect on %(day)s. Whoever uses the portal from then on agrees to it.", day=day)
    else:
        text = _("It is in force since %(day)s. By using the portal you agree to it.", day=day)
    return News(title, text, url_for("terms.index"), _("All documents and versions"))
