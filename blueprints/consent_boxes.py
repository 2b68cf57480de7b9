"""The form with one box per legal document: sign-up and later acceptance ask in the same words."""

import functools
import hashlib

from flask import current_app, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import BooleanField, HiddenField

from blueprints.access import viewer
from blueprints.formats import language
from blueprints.others_pages import legal_html
from blueprints.whole_numbers import whole
from models.terms import TermsVersion
from services import documents

# where a member goes who does not agree
WAYS_OUT = ("own_data.partner_export", "leave.show")
OFFERED = ["in full on the page", "on a page of its own", "as a file"]


class ConsentForm(FlaskForm):
    """Subclassed per page: a box `agree_<kind>` and the text that it speaks of, `seen_<kind>`, for each document; and
    the box `authority` where one of them binds the company."""

    @property
    def bound(self) -> bool:
        """Whether the person declared the authority to bind the company."""
        return "authority" in self and bool(self["authority"].data)

    def has_authority(self) -> bool:
        """Whether the box of authority is ticked where there is one; an unticked one gets its error."""
        if "authority" not in self or self["authority"].data:
            return True
        self["authority"].errors = [_("Only someone who may bind the company can agree. Tick this box too.")]
        return False

    def boxes(self, versions: list[TermsVersion]) -> list[tuple]:
        """Each document with its text as HTML, its box and the hidden note of what was shown."""
        return [
            (version, document_html(version), self[f"agree_{version.kind}"], self[f"seen_{version.kind}"])
            for version in versions
        ]

    def ticked(self, versions: list[TermsVersion]) -> list[tuple[int, str]]:
        """(version id, SHA-256) of each box that was ticked, as the page showed it. An unticked one gets its error."""
        agreed = []
        for version in versions:
            box, seen = self[f"agree_{version.kind}"], self[f"seen_{version.kind}"].data or ""
            if box.data:
                version_id, _colon, sha256 = seen.partition(":")
                agreed.append((whole(version_id) or 0, sha256))
            else:
                box.errors = [*box.errors, _("Tick the box of “%(title)s” to go on.", title=version.title)]
        return agreed

    def shown(self, versions: list[TermsVersion], button: str, template: str = "signup/consent.html") -> dict:
        """The exact words of this page, which page it was, and how its boxes stood, for the evidence."""
        boxes = {version.kind: str(self[f"agree_{version.kind}"].label.text) for version in versions}
        words = {"authority": str(self["authority"].label.text)} if "authority" in self else {}
        return {
            "boxes": boxes,
            **words,
            "button": button,
            "boxes_before": "empty",
            "boxes_after": "ticked",
            "text_offered": OFFERED,
            "template": template,
            "template_version": template_version(template),
        }


@functools.lru_cache(maxsize=8)
def template_version(template: str) -> str:
    """SHA-256 of the page's template and of the one that its documents stand in: which page it was, as built."""
    loader = current_app.jinja_env.loader
    made = hashlib.sha256()
    for name in (template, "terms/_documents.html"):
        made.update(loader.get_source(current_app.jinja_env, name)[0].encode())  # type: ignore[union-attr]
    return made.hexdigest()


def ways_out() -> dict[str, str]:
    """Endpoint -> address of the pages that help who leaves, as far as they open for this person."""
    return {name: url_for(name) for name in WAYS_OUT if viewer.may_open(name)}


def consent_form(
    versions: list[TermsVersion], company: str, *, blank: bool = False, base: type[ConsentForm] = ConsentForm
) -> ConsentForm:
    """The form for these documents. `blank` leaves out what was posted: no box is ticked. `base` may ask for more."""
    fields: dict = {}
    for version in versions:
        fields[f"agree_{version.kind}"] = BooleanField(box_text(version))
        fields[f"seen_{version.kind}"] = HiddenField()
    if any(version.kind not in documents.PERSONAL for version in versions):
        fields["authority"] = BooleanField(_("I am authorised to bind %(company)s", company=company))
    form = type("Consent", (base,), fields)(**({"formdata": None} if blank else {}))
    if blank or not form.is_submitted():
        for version in versions:
            form[f"seen_{version.kind}"].data = f"{version.id}:{version.sha256}"
    return form


def box_text(version: TermsVersion) -> str:
    """Terms are agreed to; a notice about privacy informs, it is not a contract (GDPR Art. 7(2), 13)."""
    if version.kind in documents.PERSONAL:
        return _("I have read the document “%(title)s”, version %(label)s", title=version.title, label=version.label)
    return _("I agree to the document “%(title)s”, version %(label)s", title=version.title, label=version.label)


def document_html(version: TermsVersion) -> Markup:
    """The text as HTML; its ids carry the kind, so that several documents can stand on one page."""
    return _html(version.kind, version.body, language())


@functools.lru_cache(maxsize=32)
def _html(kind: str, body: str, reader: str) -> Markup:
    """Published texts never change, so each is rendered once per process for readers of a language."""
    html = str(legal_html(body))
    for mark in ('id="', 'href="#'):
        html = html.replace(f"{mark}section-", f"{mark}{kind}-section-")
    return Markup(html)  # noqa: S704 - HTML already, ids apart
