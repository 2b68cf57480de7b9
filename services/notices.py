"""Notices as members meet them: what stands for whom, what waits for an acknowledgement, the acknowledgement (T6)."""

from dataclasses import dataclass
from datetime import datetime

from peewee import JOIN

from models.base import locked, write_tx
from models.notice import Notice, NoticeAcknowledgement, NoticePartner, NoticeReading
from models.partner import Member
from models.present import NOBODY, StandingNotice, StandingSwitch, standing
from services import features, legal_text
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal

# Partners whom notices concern: those who are or were active and are not gone.
REACHED = ("active", "suspended", "closing")
PAGE_SIZE = 50


class TextChanged(Refusal):
    """What was shown is not what stands now: show the present text and ask again (409)."""

    def __init__(self) -> None:
        super().__init__(N_("A new edition of this notice was published meanwhile. Please read it and confirm that."))


@dataclass(frozen=True)
class Present:
    """What holds for one member at one moment. `switches`: areas that are off, and later ones that are announced."""

    at: datetime
    switches: tuple[StandingSwitch, ...]
    notices: tuple[StandingNotice, ...]

    def off(self, area: str) -> StandingSwitch | None:
        """The switch that keeps the area closed now; what concerns this partner alone comes first."""
        found = [switch for switch in self.off_now if switch.area == area]
        return max(found, key=lambda switch: (switch.for_one, switch.id), default=None)

    @property
    def off_now(self) -> list[StandingSwitch]:
        return [switch for switch in self.switches if switch.from_at <= self.at]

    @property
    def off_later(self) -> list[StandingSwitch]:
        return [switch for switch in self.switches if switch.from_at > self.at]

    def due(self, area: str | None = None) -> list[StandingNotice]:
        """Notices that wait for an acknowledgement; with an area, those that keep it closed until then."""
        return [notice for notice in self.notices if notice.due and (area is None or area in notice.blocks)]

    @property
    def unread(self) -> int:
        return sum(not notice.read for notice in self.notices)

    @property
    def banners(self) -> list[StandingNotice]:
        """On every page: what waits for an acknowledgement, then what is pinned and was not read yet."""
        return self.due() + [notice for notice in self.notices if notice.pinned and not (notice.due or notice.read)]


def present(member: Member | None, at: datetime) -> Present:
    """What holds for the member now; for a stranger what is off for all. One query."""
    switches, found = standing(member.id if member else NOBODY, member.partner_id if member else NOBODY, at)
    mine = [notice for notice in found if member and concerns(notice.audience, member)]
    return Present(
        at, tuple(switches), tuple(sorted(mine, key=lambda notice: (notice.from_at, notice.id), reverse=True))
    )


def concerns(audience: dict[str, list[str]], member: Member) -> bool:
    """Whether the member is of a partner kind and role that the notice is for; chosen partners are asked in SQL."""
    partner = member.partner
    kinds, roles = audience.get("kinds") or [], audience.get("roles") or []
    return partner.state in REACHED and (not kinds or partner.kind in kinds) and (not roles or member.role in roles)


def digest(notice: Notice, language: str) -> str:
    """SHA-256 of exactly what is shown in this language: title, empty line, text (canonical bytes)."""
    return legal_text.digest(f"{notice.titles[language]}\n\n{notice.bodies[language]}")


def language_of(notice: Notice, wanted: str) -> str:
    """The language in which the notice is shown to somebody who wants this one."""
    known = notice.titles
    return wanted if wanted in known else "en" if "en" in known else next(iter(known))


def past(member: Member, at: datetime, before: int | None = None) -> tuple[list[Notice], int | None]:
    """Notices that stood for the member and are over, newest first, and the id to go on from to older ones."""
    query = _for_partner(member).where(Notice.over_at <= at)
    found: list[Notice] = []
    more = None
    for notice in query.where(Notice.id < before) if before is not None else query:
        if len(found) == PAGE_SIZE:
            more = found[-1].id
            break
        if concerns(notice.audience, member):
            found.append(notice)
    return found, more


def _for_partner(member: Member):
    chosen = NoticePartner.select(NoticePartner.notice).where(NoticePartner.partner == member.partner_id)
    taken_back = Notice.over_at.is_null(False) & (Notice.over_at <= Notice.starts_at)
    mine = (Notice.state == "published") & ((~Notice.chosen) | Notice.id.in_(chosen)) & ~taken_back
    return Notice.select().where(mine).order_by(Notice.id.desc())


def own(member: Member, notice_id: int, at: datetime) -> Notice:
    """The notice, if it stands or stood for this member. Raises NotFound."""
    notice = _for_partner(member).where(Notice.id == notice_id, Notice.starts_at <= at).first()
    if notice is None or not concerns(notice.audience, member):
        raise NotFound()
    return notice


def stands(notice: Notice, at: datetime) -> bool:
    begun = notice.state == "published" and notice.starts_at is not None and notice.starts_at <= at
    return begun and (notice.over_at is None or notice.over_at > at)


def later_edition(notice: Notice, at: datetime) -> Notice | None:
    """The edition that replaced this one, if it did so by now."""
    newer = Notice.corrects == notice.id
    return Notice.select().where(newer, Notice.state == "published", Notice.starts_at <= at).first()


def acknowledgement(notice: Notice, member: Member) -> NoticeAcknowledgement | None:
    """The member's acknowledgement that counts for this edition."""
    found = NoticeAcknowledgement.select(NoticeAcknowledgement, Notice).join(
        Notice, JOIN.INNER, on=(NoticeAcknowledgement.notice == Notice.id)
    )
    return found.where(
        NoticeAcknowledgement.asked_under == notice.asked_under_id, NoticeAcknowledgement.member == member
    ).first()


def note_reading(act: Act, member: Member, notice: Notice) -> None:
    """The member opened it: it is not counted as unread any more."""
    known = NoticeReading.select().where(NoticeReading.member == member, NoticeReading.notice == notice)
    if known.exists():
        return
    with write_tx():
        NoticeReading.insert(notice=notice, member=member, read_at=act.at).on_conflict_ignore().execute()


def acknowledge(act: Act, member: Member, notice_id: int, language: str, sha256: str) -> NoticeAcknowledgement:
    """Records that the member acknowledged the text with this digest, once. Raises NotFound, and TextChanged when the
    notice is over or its text in this language is another one."""
    with write_tx():
        notice = own(member, notice_id, act.at)
        locked(Member.select().where(Member.id == member.id)).get()
        if (done := acknowledgement(notice, member)) is not None:
            return done
        if not notice.asks or not stands(notice, act.at):
            raise TextChanged()
        if language not in notice.titles or digest(notice, language) != sha256:
            raise TextChanged()
        row = NoticeAcknowledgement.create(
            notice=notice,
            asked_under=notice.asked_under_id,
            partner=member.partner_id,
            partner_name=member.partner.legal_name,
            member=member,
            member_name=member.name,
            member_role=member.role,
            language=language,
            sha256=sha256,
            acknowledged_at=act.at,
            ip=act.ip,
            user_agent=act.user_agent,
        )
        after = {"title": notice.titles[language], "language": language, "sha256": sha256}
        record(act, "notice.acknowledged", notice, partner=member.partner_id, after=after)
    return row


def title_in(notice: Notice | StandingNotice, language: str) -> str:
    return features.text_in(notice.titles, language)
