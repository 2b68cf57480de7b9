"""The form of a notice: texts in each language, whom it is for, what it asks."""

import secrets
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from blueprints.moments import MomentField
from models.notice import Notice
from models.partner import Partner
from services import features, notice_desk, notice_drafts, partner_lookup
from services.notice_drafts import BODY_LENGTH, TITLE_LENGTH, Draft

OWN_NAMES = {"en": "English", "de": "Deutsch"}
KINDS = [
    SelectChoice("information", _l("Information")),
    SelectChoice("instruction", _l("Instruction")),
    SelectChoice("regulation", _l("Regulation")),
]
WHOSE = [SelectChoice("all", _l("All partners")), SelectChoice("chosen", _l("Chosen partners"))]
PARTNER_KINDS = {
    "channel_partner": _l("Channel partners"),
    "distributor": _l("Distributors"),
    "distributor_partner": _l("Partners of a distributor"),
}
ROLES = {"admin": _l("Administrators"), "staff": _l("Staff"), "viewer": _l("Viewers")}


class NoticeForm(FlaskForm):
    """Added to it: `title_en`, `body_en`, … and boxes `kind_…`, `role_…`, `block_…`."""

    kind = RadioField(_l("Kind"), choices=KINDS, default="information")
    whose = RadioField(_l("For whom"), choices=WHOSE, default="all")
    partners = TextAreaField(_l("Chosen partners"), render_kw={"rows": 4})
    pinned = BooleanField(_l("Show it on every page"))
    asks = BooleanField(_l("Ask each member for an acknowledgement"))
    important = BooleanField(_l("Send a mail to everybody it is for"))
    asks_again = BooleanField(_l("Ask those again who acknowledged the edition before"), default=True)
    starts_at = MomentField(_l("In force from"))
    ends_at = MomentField(_l("In force until"))
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))
    seen = HiddenField()

    def draft(self, languages: tuple[str, ...]) -> Draft:
        """What was entered. Raises NotOne for a partner that is not found."""
        return Draft(
            kind=self.kind.data,
            titles={language: self[f"title_{language}"].data or "" for language in languages},
            bodies={language: self[f"body_{language}"].data or "" for language in languages},
            kinds=self._ticked("kind_", PARTNER_KINDS),
            roles=self._ticked("role_", ROLES),
            partner_ids=self._chosen() if self.whose.data == "chosen" else None,
            pinned=self.pinned.data,
            asks=self.asks.data,
            blocks=self._ticked("block_", features.BLOCKABLE),
            important=self.important.data,
            asks_again=self.asks_again.data,
            starts_at=self.starts_at.at,
            ends_at=self.ends_at.at,
        )

    def _ticked(self, prefix: str, names) -> tuple[str, ...]:
        return tuple(name for name in names if self[prefix + name].data)

    def _chosen(self) -> tuple[int, ...]:
        lines = [line for line in (self.partners.data or "").splitlines() if line.strip()]
        return tuple(partner_lookup.named(line, "partners").id for line in lines)

    def boxes(self, prefix: str) -> list:
        return [field for field in self if field.name.startswith(prefix)]


def notice_form(languages: tuple[str, ...], notice: Notice | None = None) -> NoticeForm:
    """Empty, or filled with a draft."""
    fields: dict[str, Any] = {}
    for language in languages:
        named, lang = {"language": OWN_NAMES.get(language, language)}, {"lang": language}
        title = {"maxlength": TITLE_LENGTH, **lang}
        fields[f"title_{language}"] = StringField(_("Title (%(language)s)", **named), render_kw=title)
        body = {"rows": 10, "maxlength": BODY_LENGTH, **lang}
        fields[f"body_{language}"] = TextAreaField(_("Text (%(language)s)", **named), render_kw=body)
    for prefix, labels in (("kind_", PARTNER_KINDS), ("role_", ROLES)):
        fields |= {prefix + name: BooleanField(label) for name, label in labels.items()}
    fields |= {f"block_{name}": BooleanField(_l(features.AREAS[name].label)) for name in features.BLOCKABLE}
    form = type("NoticeTextsForm", (NoticeForm,), fields)()
    if notice is not None and not form.is_submitted():
        _fill(form, notice)
    return form


def _fill(form: NoticeForm, notice: Notice) -> None:
    for name in ("kind", "pinned", "asks", "important", "asks_again"):
        form[name].data = getattr(notice, name)
    for prefix, texts in (("title_", notice.titles), ("body_", notice.bodies)):
        for language, text in texts.items():
            if prefix + language in form:
                form[prefix + language].data = text
    ticked = [f"kind_{name}" for name in notice.audience.get("kinds", [])]
    ticked += [f"role_{name}" for name in notice.audience.get("roles", [])]
    for name in [*ticked, *(f"block_{area}" for area in notice.blocks)]:
        form[name].data = True
    form.whose.data = "chosen" if notice.chosen else "all"
    chosen = Partner.select().where(Partner.id.in_(notice_drafts.chosen_ids(notice))).order_by(Partner.name_key)
    form.partners.data = "\n".join(partner_lookup.written(partner) for partner in chosen)
    form.starts_at.show(notice.starts_at)
    form.ends_at.show(notice.ends_at)
    form.seen.data = notice_desk.fingerprint(notice)
