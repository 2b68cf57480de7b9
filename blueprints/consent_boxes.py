"""The form with one box per legal document: sign-up and later acceptance ask in the same words."""

import functools

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import BooleanField, HiddenField

from blueprints.whole_numbers import whole
from models.terms import TermsVersion
from services import legal_text


class ConsentForm(FlaskForm):
    """Subclassed per page: a box `agree_<kind>` and the text that it speaks of, `seen_<kind>`, for each document."""

    authority: BooleanField

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

    def shown(self, versions: list[TermsVersion], button: str) -> dict:
        """The exact words of this page, for the evidence."""
        boxes = {version.kind: str(self[f"agree_{version.kind}"].label.text) for version in versions}
        return {"boxes": boxes, "authority": str(self.authority.label.text), "button": button, "boxes_before": "empty"}


def consent_form(versions: list[TermsVersion], company: str, *, blank: bool = False) -> ConsentForm:
    """The form for these documents. `blank` leaves out what was posted: no box is ticked."""
    fields: dict = {}
    for version in versions:
        fields[f"agree_{version.kind}"] = BooleanField(box_text(version))
        fields[f"seen_{version.kind}"] = HiddenField()
    fields["authority"] = BooleanField(_("I am authorised to bind %(company)s", company=company))
    form = type("Consent", (ConsentForm,), fields)(**({"formdata": None} if blank else {}))
    if blank or not form.is_submitted():
        for version in versions:
            form[f"seen_{version.kind}"].data = f"{version.id}:{version.sha256}"
    return form


def box_text(version: TermsVersion) -> str:
    """Terms are agreed to; a notice about privacy informs, it is not a contract (GDPR Art. 7(2), 13)."""
    if version.kind == "privacy_notice":
        return _("I have read the document “%(title)s”, version %(label)s", title=version.title, label=version.label)
    return _("I agree to the document “%(title)s”, version %(label)s", title=version.title, label=version.label)


def document_html(version: TermsVersion) -> Markup:
    """The text as HTML; its ids carry the kind, so that several documents can stand on one page."""
    return _html(version.kind, version.body)


@functools.lru_cache(maxsize=32)
def _html(kind: str, body: str) -> Markup:
    """Published texts never change, so each is rendered once per process."""
    html = legal_text.to_html(body)
    for mark in ('id="', 'href="#'):
        html = html.replace(f"{mark}section-", f"{mark}{kind}-section-")
    return Markup(html)  # noqa: S704  to_html escapes everything that is not its own markup
