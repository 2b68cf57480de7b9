"""Switching areas off and on again, and what was switched when by whom (T5)."""

from dataclasses import dataclass
from datetime import datetime

from peewee import JOIN

from models.base import locked, write_tx
from models.feature_switch import FeatureSwitch, holds
from models.partner import Partner
from services import features, once
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal

TEXT_LENGTH = 500
PAGE_SIZE = 50


class SwitchRefused(Refusal):
    """Nothing was switched."""


@dataclass(frozen=True)
class Wish:
    """`partner_id` None: for all. `from_at` None: at once. `until_at` None: until somebody ends it. `texts`: what
    members read, by language."""

    area: str
    partner_id: int | None
    from_at: datetime | None
    until_at: datetime | None
    texts: dict[str, str]
    announced: bool = False


@dataclass(frozen=True)
class SwitchPage:
    """Newest first. `before`: the id to go on from to older ones."""

    rows: list[FeatureSwitch]
    before: int | None


def switch_off(act: Act, wish: Wish, languages: tuple[str, ...], once_key: str) -> FeatureSwitch:
    """Switches an area off, at once or at a time. `languages`: those that need a text. Raises SwitchRefused with the
    field (area, partner, from_at, until_at, text_<language>), KeyReused."""
    content = repr(wish)
    texts = _texts(wish, languages)
    if wish.area not in features.AREAS:
        raise SwitchRefused(N_("Choose an area."), "area")
    with write_tx():
        if (earlier := once.earlier_answer(act, once_key, content)) is not None:
            return FeatureSwitch.get_by_id(int(earlier))
        _refuse_times(act, wish)
        if wish.partner_id is not None and not Partner.select().where(Partner.id == wish.partner_id).exists():
            raise SwitchRefused(N_("No partner fits. Choose one from the list."), "partner")
        row = FeatureSwitch.create(
            area=wish.area,
            partner=wish.partner_id,
            off_from_at=wish.from_at or act.at,
            off_until_at=wish.until_at,
            texts=texts,
            announced=wish.announced,
            made_at=act.at,
            made_by=act.actor_name,
        )
        record(act, "feature.switched_off", row, partner=wish.partner_id, after=_plain(row))
        once.remember(act, once_key, content, str(row.id))
    return row


def switch_on(act: Act, switch_id: int) -> FeatureSwitch:
    """Ends a switch, or takes back one that was only planned. Raises NotFound, and SwitchRefused when it is over."""
    with write_tx():
        row = locked(FeatureSwitch.select().where(FeatureSwitch.id == switch_id)).first()
        if row is None:
            raise NotFound()
        if is_over(row, act.at):
            raise SwitchRefused(N_("This is over already: the area is not off by it any more."))
        row.ended_at, row.ended_by = act.at, act.actor_name or act.kind
        row.save(only=[FeatureSwitch.ended_at, FeatureSwitch.ended_by])
        after = {"area": row.area, "ended_at": row.ended_at}
        record(act, "feature.switched_on", row, partner=row.partner_id, after=after)
    return row


def is_over(row: FeatureSwitch, at: datetime) -> bool:
    return row.ended_at is not None or (row.off_until_at is not None and row.off_until_at <= at)


def open_switches(at: datetime) -> dict[str, list[FeatureSwitch]]:
    """By area: those that hold now and those that are planned, the earliest first, with their partners."""
    row = FeatureSwitch
    later = row.ended_at.is_null() & (row.off_from_at > at)
    found: dict[str, list[FeatureSwitch]] = {}
    for switch in _with_partner().where(holds(at) | later).order_by(row.off_from_at, row.id):
        found.setdefault(switch.area, []).append(switch)
    return found


def history(before: int | None = None) -> SwitchPage:
    """All that was ever switched."""
    query = _with_partner()
    if before is not None:
        query = query.where(FeatureSwitch.id < before)
    found = list(query.order_by(FeatureSwitch.id.desc()).limit(PAGE_SIZE + 1))
    return SwitchPage(found[:PAGE_SIZE], found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def _with_partner():
    return FeatureSwitch.select(FeatureSwitch, Partner).join(Partner, JOIN.LEFT_OUTER)


def _texts(wish: Wish, languages: tuple[str, ...]) -> dict[str, str]:
    texts = {language: " ".join((wish.texts.get(language) or "").split()) for language in languages}
    for language, text in texts.items():
        if not text:
            raise SwitchRefused(N_("Write what members read in this language."), f"text_{language}")
        if len(text) > TEXT_LENGTH:
            raise SwitchRefused(N_("Write at most %(most)s characters."), f"text_{language}", most=TEXT_LENGTH)
    return texts


def _refuse_times(act: Act, wish: Wish) -> None:
    begin_at = wish.from_at or act.at
    if begin_at < act.at:
        raise SwitchRefused(N_("This time is over. Leave it empty to switch off at once."), "from_at")
    if wish.until_at is not None and wish.until_at <= begin_at:
        raise SwitchRefused(N_("The end has to be after the beginning."), "until_at")


def _plain(row: FeatureSwitch) -> dict:
    return {
        "area": row.area,
        "off_from_at": row.off_from_at,
        "off_until_at": row.off_until_at,
        "announced": row.announced,
        "text": features.text_in(row.texts, "en"),
    }
