"""Who has acknowledged a notice and who has not: a list in pages, and a file (T6)."""

from flask import Response, g, request, stream_with_context
from flask_babel import gettext as _

from blueprints.access import Permission, requires
from blueprints.admin import bp
from blueprints.formats import language
from blueprints.partials import answer
from blueprints.whole_numbers import whole
from services import csv_export, notice_audience, notice_desk, notices
from services.clock import local_day


@bp.get("/notices/<int:notice_id>/acknowledgements")
@requires(Permission.NOTICE_VIEW)
def notice_answers(notice_id: int):
    notice, state = notice_desk.one(notice_id), request.args.get("state", "open")
    state = state if state in ("open", "done") else "open"
    listing = notice_audience.page(notice, state, request.args.get("after", type=whole))
    return answer(
        "admin/notice_answers.html",
        "admin/_notice_answers.html",
        notice=notice,
        title=notices.title_in(notice, language()),
        counted=notice_audience.counts(notice),
        states=(("open", _("Not yet")), ("done", _("Acknowledged"))),
        listing=listing,
        state=state,
    )


@bp.get("/notices/<int:notice_id>/acknowledgements.csv")
@requires(Permission.NOTICE_VIEW)
def notice_answers_file(notice_id: int):
    notice = notice_desk.one(notice_id)
    pieces = csv_export.lines(notice_audience.COLUMNS, notice_audience.file_rows(notice))
    response = Response(stream_with_context(pieces), mimetype="text/csv")
    day = local_day(g.clock.now(), "UTC").isoformat()
    name = f"notice-{notice.id}-acknowledgements-{day}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
