"""New versions of documents, above every page: what has to be agreed to by when, and what takes effect by notice."""

from dataclasses import dataclass

from flask import current_app, g, request, url_for
from flask_babel import gettext as _

from blueprints import formats
from blueprints.access import Permission, viewer
from models.terms import TermsVersion
from services import consent_state, documents
from services.clock import local_day
from services.consent_state import Question

HOME = "dashboard.show"


@dataclass(frozen=True)
class News:
    """`links`: address -> its words. `at_length`: to be read at once, whatever page it stands on."""

    title: str
    text: str
    links: dict[str, str]
    at_length: bool = False


def news() -> list[News]:
    """Nothing on the pages of the documents themselves, which say it at length."""
    member = viewer.member if viewer.is_authenticated else None
    if member is None or viewer.look or (request.endpoint or "").startswith("terms."):
        return []
    state = consent_state.of(member, g.clock.now())
    return [_to_agree(question) for question in _once(state.pending)] + [
        _by_use(question) for question in _once(state.by_use)
    ]


def unfolded(found: list[News]) -> bool:
    """Whether the words stand open: at the first sight of what is in force now, and on the home page unless several
    would fill it."""
    return any(entry.at_length for entry in found) or (request.endpoint == HOME and len(found) == 1)


def _once(questions: list[Question]) -> list[Question]:
    """Of several versions of a kind the newest."""
    return list({question.kind: question for question in questions}.values())


def _version(question: Question) -> TermsVersion:
    return documents.text_in(question.kind, question.label, formats.language())


def _to_agree(question: Question) -> News:
    title = _("New version: %(title)s", title=_version(question).title)
    until = formats.when(question.until_at)
    if question.personal:
        return News(title, _("Please read it until %(day)s.", day=until), {url_for("terms.accept"): _("Read it")})
    if viewer.holds(Permission.TERMS_ACCEPT):
        text = _("Please agree for your company until %(day)s. After that nothing can be changed here.", day=until)
        return News(title, text, {url_for("terms.accept"): _("Read and agree")})
    text = _("An administrator of your company has time to agree until %(day)s.", day=until)
    return News(title, text, {url_for("terms.accept"): _("Who that is")})


def _by_use(question: Question) -> News:
    version, links = _version(question), {}
    title = _("New version: %(title)s", title=version.title)
    day = formats.day(local_day(question.effective_at, current_app.settings.provider.time_zone))
    if documents.label_before(version):
        links[url_for("terms.changes", kind=version.kind, label=version.label)] = _("What changed")
    else:
        links[url_for("terms.show", kind=version.kind, label=version.label, language=version.language)] = _("Read it")
    if question.effective_at <= g.clock.now():
        text = _("It is in force since %(day)s. By using the portal you agree to it.", day=day)
        return News(title, text, links, at_length=True)
    text = _("It takes effect on %(day)s. Whoever uses the portal from then on agrees to it.", day=day)
    if question.personal or viewer.holds(Permission.TERMS_ACCEPT):
        links[url_for("terms.decline")] = _("Object until %(when)s", when=formats.when(question.effective_at))
    return News(title, text, links)
