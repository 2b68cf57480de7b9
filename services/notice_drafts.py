"""What an operator wrote for a notice: checked, and put into the columns of a draft (T6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.notice import NOTICE_KINDS, Notice, NoticePartner
from models.partner import PARTNER_KINDS, Partner
from services import features, legal_text, notices
from services.refusal import N_, Refusal

TITLE_LENGTH = 150
BODY_LENGTH = 20_000
MOST_PARTNERS = 500
ROLES = ("admin", "staff", "viewer")


class NoticeRefused(Refusal):
    """The notice stays as it was."""


@dataclass(frozen=True)
class Draft:
    """What an operator wrote. `titles`, `bodies`: by language. Empty `kinds` and `roles`: all of them. `partner_ids`
    None: all partners. `starts_at` None: when it is published. `ends_at` None: until somebody ends it."""

    kind: str
    titles: Mapping[str, str]
    bodies: Mapping[str, str]
    kinds: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    partner_ids: tuple[int, ...] | None = None
    pinned: bool = False
    asks: bool = False
    blocks: tuple[str, ...] = ()
    important: bool = False
    asks_again: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def columns(draft: Draft) -> dict[str, Any]:
    """The draft as columns of its row. Raises NoticeRefused with the field."""
    titles = {language: " ".join(text.split()) for language, text in draft.titles.items()}
    bodies = {language: legal_text.canonical(text).decode() for language, text in draft.bodies.items()}
    _refuse_texts(titles, bodies)
    _refuse_choices(draft)
    return {
        "kind": draft.kind,
        "titles": titles,
        "bodies": bodies,
        "audience": {"kinds": list(draft.kinds), "roles": list(draft.roles)},
        "chosen": draft.partner_ids is not None,
        "pinned": draft.pinned,
        "asks": draft.asks,
        "blocks": list(draft.blocks),
        "important": draft.important,
        "asks_again": draft.asks_again,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
    }


def _refuse_texts(titles: dict[str, str], bodies: dict[str, str]) -> None:
    if not any(titles.values()):
        raise NoticeRefused(N_("Enter a title."), f"title_{next(iter(titles))}")
    for language, title in titles.items():
        if len(title) > TITLE_LENGTH:
            raise NoticeRefused(N_("Write at most %(most)s characters."), f"title_{language}", most=TITLE_LENGTH)
    for language, body in bodies.items():
        if len(body) > BODY_LENGTH:
            raise NoticeRefused(N_("Write at most %(most)s characters."), f"body_{language}", most=BODY_LENGTH)


def _refuse_choices(draft: Draft) -> None:
    if draft.kind not in NOTICE_KINDS or set(draft.kinds) - set(PARTNER_KINDS) or set(draft.roles) - set(ROLES):
        raise NoticeRefused(N_("Choose from the list."), "kind")
    if draft.blocks and not draft.asks:
        raise NoticeRefused(N_("Only a notice that asks for an acknowledgement can close areas."), "blocks")
    if set(draft.blocks) - set(features.BLOCKABLE):
        raise NoticeRefused(N_("Access to data and leaving are never closed. Choose from the list."), "blocks")
    if draft.partner_ids is not None and not draft.partner_ids:
        raise NoticeRefused(N_("Name at least one partner."), "partners")
    if draft.partner_ids and len(draft.partner_ids) > MOST_PARTNERS:
        raise NoticeRefused(N_("Name at most %(most)s partners."), "partners", most=MOST_PARTNERS)
    if draft.ends_at is not None and draft.starts_at is not None and draft.ends_at <= draft.starts_at:
        raise NoticeRefused(N_("The end has to be after the beginning."), "ends_at")


def refuse_incomplete(notice: Notice, languages: Iterable[str], at: datetime) -> None:
    """Raises NoticeRefused with the field for what a published notice needs and this draft lacks."""
    for language in languages:
        if not notice.titles.get(language):
            raise NoticeRefused(N_("The title is missing in one of the languages."), f"title_{language}")
        if not (notice.bodies.get(language) or "").strip():
            raise NoticeRefused(N_("The text is missing in one of the languages."), f"body_{language}")
    if notice.ends_at is not None and notice.ends_at <= at:
        raise NoticeRefused(N_("The end of this notice is over. Choose a later one."), "ends_at")


def choose(notice: Notice, partner_ids: Iterable[int] | None) -> None:
    """Sets the partners that the notice is for."""
    NoticePartner.delete().where(NoticePartner.notice == notice).execute()
    known = [row.id for row in Partner.select(Partner.id).where(Partner.id.in_(sorted(set(partner_ids or ()))))]
    if known:
        NoticePartner.insert_many({"notice": notice.id, "partner": partner_id} for partner_id in known).execute()


def chosen_ids(notice: Notice) -> list[int]:
    return [row.partner_id for row in NoticePartner.select().where(NoticePartner.notice == notice)]


def digests(notice: Notice) -> str:
    """What an acknowledgement names as the exact text, for each language."""
    return ", ".join(f"{language} {notices.digest(notice, language)}" for language in sorted(notice.titles))


def plain(notice: Notice) -> dict[str, Any]:
    """The notice for the trail, without its text."""
    names = ("kind", "chosen", "pinned", "asks", "blocks", "important", "starts_at", "ends_at")
    title = {"title": next(filter(None, notice.titles.values()), "")}
    return {**title, **notice.audience, **{name: getattr(notice, name) for name in names}}
