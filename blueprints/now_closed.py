"""What is closed just now: areas that are switched off (T5), and areas that wait until a notice is acknowledged (T6).

Asked behind the gate (blueprints/access.py), shown by the frames of pages. Closed is 403, not 503: it is a decision
and no fault, so neither programs nor proxies should try again by themselves or take the portal for broken.
"""

from typing import Any

from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import gettext as _

from blueprints import console_gate
from blueprints.access import stop_asking, viewer
from blueprints.areas import area_of, present
from blueprints.formats import language, when
from blueprints.partials import leave_to, wants_partial
from blueprints.standings import NotNow
from models.present import StandingNotice, StandingSwitch
from services import features, notices


class SwitchedOff(NotNow):
    """The provider switched this area off."""

    def __init__(self, switch: StandingSwitch):
        super().__init__("switched_off")
        self.switch = switch

    def more(self) -> dict[str, Any]:
        until = self.switch.until_at
        return {
            "title": _("This is switched off at present"),
            "text": features.text_in(self.switch.texts, language()),
            "until": _("It is expected back on %(until)s.", until=when(until)) if until else "",
            "kept": kept(),
        }


class NoticeFirst(NotNow):
    """The area waits until the member has acknowledged a notice."""

    def __init__(self, notice: StandingNotice):
        super().__init__("notice_first")
        self.notice = notice

    def more(self) -> dict[str, Any]:
        title = notices.title_in(self.notice, language())
        return {
            "title": _("Please read a notice first"),
            "text": _("This goes on as soon as you have read and acknowledged: %(title)s", title=title),
            "link": (url_for("notices.show", notice_id=self.notice.id), _("Open the notice")),
            "kept": kept(),
        }


def kept() -> list[tuple[str, str]]:
    """What a plain form carried, so that nothing typed is lost; passwords and files have to be entered again."""
    if request.method != "POST" or wants_partial():
        return []
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", "code", "credential") and "password" not in name and "secret" not in name
    ]


def refuse() -> Response | None:
    """Runs behind the gate: lets the request go on, or says why not. A page is led to the notice that is due, and from
    there to where the member wanted to go."""
    declared = getattr(current_app.view_functions.get(request.endpoint or ""), "access", None)
    area = declared and area_of(str(request.endpoint), declared)
    if area is None:
        return None
    if declared.console:
        return refuse_in_console(area)
    now = present(viewer.member if viewer.is_authenticated else None)
    looking = viewer.is_authenticated and viewer.look  # whoever only looks has nothing to acknowledge
    switch, due = now.off(area), () if looking else now.due(area)
    if switch is None and not due:
        return None
    if declared.polled and wants_partial():
        return stop_asking()
    if switch is not None:
        raise SwitchedOff(switch)
    if request.method == "GET" and not wants_partial():
        return leave_to(url_for("notices.show", notice_id=due[0].id, next=request.full_path.rstrip("?")))
    raise NoticeFirst(due[0])


def refuse_in_console(area: str) -> None:
    """For who is signed in to the customer console: what is off for its partner is off there, and with the console
    itself every part of it that can be."""
    for name in dict.fromkeys((console_gate.AREA, area)):
        row = features.off(name, console_gate.user().sub_account.partner_id, g.clock.now())
        if row is not None:
            of_one = row.partner_id is not None
            raise SwitchedOff(StandingSwitch(row.id, name, row.off_from_at, row.off_until_at, row.texts, of_one))


def init_app(app: Flask) -> None:
    app.before_request(refuse)
