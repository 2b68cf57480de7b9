"""The archive of what law keeps, and what the nightly purge did. Opened by owners alone, each time for a reason."""

import json
from collections.abc import Iterator
from contextlib import suppress

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from blueprints.access import Permission, act, requires
from blueprints.admin import bp
from blueprints.admin.storage_forms import ReasonForm
from blueprints.errors import put_refusal
from blueprints.partials import answer
from blueprints.whole_numbers import whole
from models.archive import ArchiveRecord
from services import archive
from services.record_classes import CLASSES
from services.refusal import NotFound, Refusal

CLASS_WORDS = {
    "commercial_letter": _l("Business letters"),
    "voucher": _l("Vouchers"),
    "evidence": _l("Evidence"),
}
JOB_WORDS = {
    "archived_rows": _l("Rows of the archive"),
    "mail_texts": _l("Texts of mails"),
    "log_ins": _l("Old log-ins"),
    "links": _l("One-time links"),
    "names_in_the_security_log": _l("Names in old lines about log-ins"),
    "addresses": _l("Network addresses shortened"),
    "unfinished_sign_ups": _l("Unfinished sign-ups"),
    "refused_sign_ups": _l("Refused sign-ups"),
}


@bp.get("/archive")
@requires(Permission.ARCHIVE_READ)
def archive_shelves():
    shelves, following = archive.shelves(request.args.get("after", type=whole) or 0)
    later_url = url_for("admin.archive_shelves", after=following) if following else None
    return answer(
        "admin/archive.html",
        shelves=shelves,
        later_url=later_url,
        reports=archive.reports(),
        waiting=archive.waiting(),
        class_words=CLASS_WORDS,
        job_words=JOB_WORDS,
    )


@bp.route("/archive/<int:partner_id>/<name:record_class>", methods=["GET", "POST"])
@requires(Permission.ARCHIVE_READ)
def archive_look(partner_id: int, record_class: str):
    """A POST shows what is kept, because each look is written down. Further pages ask with the same reason."""
    if record_class not in CLASSES:
        raise NotFound
    form, records = ReasonForm(), []
    if form.validate_on_submit():
        try:
            after = request.form.get("after", type=whole) or 0
            records = archive.look(act(), partner_id, record_class, form.reason.data, after)
        except NotFound:
            raise
        except Refusal as refusal:
            put_refusal(form, refusal)
    title = _("%(what)s of former partner %(number)s", what=CLASS_WORDS.get(record_class, ""), number=partner_id)
    following = records[-1].id if len(records) == archive.PAGE_ROWS else None
    values = {"form": form, "records": records, "following": following, "title": title}
    values |= {"lines": lines, "url": url_for("admin.archive_look", partner_id=partner_id, record_class=record_class)}
    return answer("admin/archive_look.html", status=422 if form.errors else 200, **values)


def lines(record: ArchiveRecord) -> list[list[tuple[str, str]]]:
    """Each row as pairs to read, values within values under "outer.inner"; of a file that is kept, name and digest."""
    return [list(pairs("", line)) for line in record.payload]


def pairs(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        for inner in sorted(set(value) - {"content_base64"}):
            yield from pairs(f"{name}.{inner}" if name else inner, value[inner])
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from pairs(f"{name}.{number}", inner)
    elif value not in (None, ""):
        yield name, str(value)
