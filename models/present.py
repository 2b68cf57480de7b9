"""What holds for one member at one moment: areas that are switched off, notices that stand. One question for both,
because every page asks it."""

import json
from dataclasses import dataclass
from datetime import datetime

from peewee import JOIN, SQL

from models.feature_switch import FeatureSwitch
from models.notice import Notice, NoticeAcknowledgement, NoticePartner, NoticeReading
from models.prepared import Blank, ask

NOBODY = 0  # stands for the member and the partner of a stranger: no row has this id


@dataclass(frozen=True)
class StandingSwitch:
    """An area that is off, or will be and is announced. `for_one`: it concerns this partner alone."""

    id: int
    area: str
    from_at: datetime
    until_at: datetime | None
    texts: dict[str, str]
    for_one: bool


@dataclass(frozen=True)
class StandingNotice:
    """A notice as far as frames of pages need it; `titles` by language."""

    id: int
    kind: str
    from_at: datetime
    until_at: datetime | None
    titles: dict[str, str]
    audience: dict[str, list[str]]
    blocks: tuple[str, ...]
    pinned: bool
    asks: bool
    read: bool
    acknowledged: bool

    @property
    def due(self) -> bool:
        """It waits for this member's acknowledgement."""
        return self.asks and not self.acknowledged


def standing(member_id: int, partner_id: int, at: datetime) -> tuple[list[StandingSwitch], list[StandingNotice]]:
    """Switches that hold or are announced for the partner, and notices that stand for it, whatever the member's role.
    One query."""
    switches: list[tuple] = []
    notices: list[tuple] = []
    for row in ask(_standing, member=member_id, partner=partner_id, at=at):
        sort, row_id, areas, from_at, until_at, texts, *rest = row
        common = (row_id, from_at, until_at)
        (switches if sort == "switch" else notices).append((common, areas, texts, rest))
    return [_switch(*found) for found in switches], [_notice(*found) for found in notices]


def _standing():
    """The union takes names and types of its columns from the half about switches."""
    member, partner, at = Blank("member"), Blank("partner"), Blank("at")
    row, no = FeatureSwitch, SQL("FALSE")
    own = row.partner.is_null(False)
    now_or_announced = (row.off_from_at <= at) | row.announced
    switches = row.select(
        SQL("'switch'").alias("sort"), row.id, row.area, row.off_from_at, row.off_until_at, row.texts,
        SQL("''").alias("kind"), SQL("'{}'").alias("audience"), own.alias("one"), no.alias("asks"), no.alias("seen"),
        no.alias("acknowledged"),
    ).where(
        row.ended_at.is_null(), row.off_until_at.is_null() | (row.off_until_at > at), now_or_announced,
        row.partner.is_null() | (row.partner == partner),
    )  # fmt: skip
    return switches.union_all(_notices(member, partner, at)).tuples()


def _notices(member: Blank, partner: Blank, at: Blank):
    chosen = NoticePartner.select(NoticePartner.notice).where(NoticePartner.partner == partner)
    return (
        Notice.select(
            SQL("'notice'"), Notice.id, Notice.blocks, Notice.starts_at, Notice.over_at, Notice.titles, Notice.kind,
            Notice.audience, Notice.pinned, Notice.asks, NoticeReading.id.is_null(False),
            NoticeAcknowledgement.id.is_null(False),
        )
        .join(NoticeReading, JOIN.LEFT_OUTER, on=(NoticeReading.notice == Notice.id) & (NoticeReading.member == member))
        .switch(Notice)
        .join(
            NoticeAcknowledgement,
            JOIN.LEFT_OUTER,
            on=(NoticeAcknowledgement.asked_under == Notice.asked_under) & (NoticeAcknowledgement.member == member),
        )
        .where(
            Notice.state == "published", Notice.starts_at <= at, Notice.over_at.is_null() | (Notice.over_at > at),
            (~Notice.chosen) | Notice.id.in_(chosen),
        )
    )  # fmt: skip


def _switch(common, area: str, texts: dict, rest) -> StandingSwitch:
    row_id, from_at, until_at = common
    return StandingSwitch(row_id, area, from_at, until_at, texts, bool(rest[2]))


def _notice(common, blocks: str, titles: dict, rest) -> StandingNotice:
    row_id, from_at, until_at = common
    kind, audience, pinned, asks, seen, acknowledged = rest
    return StandingNotice(
        row_id, kind, from_at, until_at, titles, json.loads(audience), tuple(json.loads(blocks)),
        bool(pinned), bool(asks), bool(seen), bool(acknowledged),
    )  # fmt: skip
