"""What some of README's pictures need beside the sample data; each answers the address of its page."""

from dataclasses import replace
from datetime import datetime, timedelta

from models.base import write_tx
from models.outbox import Mail
from models.sub_account import SubAccount
from services import change_requests, flow_down_links
from tests.browser_ground import Portal
from tests.cast import Cast, act_of
from tests.services.desk import Desk, wanted_of

TB = 10**12


def agreement(portal: Portal, cast: Cast, at: datetime) -> str:
    """What a customer sees who follows the link in the mail."""
    account = SubAccount.select().order_by(SubAccount.id.desc()).get()
    act = act_of(cast.alice, at)
    with write_tx():
        flow_down_links.write_mail(act, portal.app.settings, flow_down_links.open_link(act, account, "en"))
    mail = Mail.select().where(Mail.template == "flow_down_link").order_by(Mail.id.desc()).get()
    return "/agree/" + mail.text.partition("/agree/")[2].split()[0]


def draft(portal: Portal, cast: Cast) -> str:
    """A draft, compared with what is in force."""
    desk = Desk(portal.app.settings, portal.app.clock, cast.olga, cast.oscar)
    begun = desk.begin()
    texts = wanted_of(begun, addition="\n").texts
    for language, said, old, new in (
        (
            "en",
            ("Lending is named, too.", "Partners asked whether it is meant."),
            "rent it out",
            "rent it out, lend it",
        ),
        (
            "de",
            ("Auch Verleihen ist genannt.", "Partner fragten, ob es gemeint ist."),
            "vermieten",
            "vermieten, verleihen",
        ),
    ):
        body = texts[language].body.replace(old, new, 1)
        texts = {**texts, language: replace(texts[language], body=body, change_summary=said[0], reason=said[1])}
    desk.edit(begun, texts=texts)
    return "/admin/documents/portal_terms/draft"


def request(portal: Portal, cast: Cast, at: datetime) -> str:
    """Asked, asked back, answered."""
    settings = portal.app.settings
    row = change_requests.open_request(
        act_of(cast.alice, at - timedelta(hours=3)), settings, cast.northwind, "more_capacity",
        contract=cast.contract, wanted={"more_bytes": 5 * TB},
        reason="Two customers move their archives to us this quarter.",
    )  # fmt: skip
    asked, answered = "Is it enough at the beginning of next month?", "Yes, that is early enough."
    change_requests.write(act_of(cast.olga, at - timedelta(hours=2)), settings, row.number, asked)
    change_requests.write(act_of(cast.alice, at - timedelta(hours=1)), settings, row.number, answered)
    return f"/admin/requests/{row.number}"
