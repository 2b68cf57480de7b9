"""What goes on between the sample provider and its partner: a notice, a request, a paper, a contract that ends soon,
and the programs that the provider names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from models.change_request import UNDECIDED, ChangeRequest, RequestMessage
from models.contract import Contract
from models.notice import Notice
from models.operator import Operator
from models.partner import Member
from models.partner_document import PartnerDocument
from services import change_requests, contracts, integrations, notice_desk, partner_documents, pdf, uploads
from services.clock import Clock, local_day
from services.demo.company import TB, contract_terms
from services.demo.people import as_person
from services.notice_drafts import Draft
from services.settings import Settings

ENDS_IN_DAYS = 60  # its partner is told 90 days before, so that this shows
TITLES = {"en": "Keep a second copy of your backups", "de": "Bewahren Sie eine zweite Kopie Ihrer Sicherungen auf"}
BODIES = {
    "en": "From next quarter on we ask every partner to **keep two copies** of each customer's backups.\n\n"
    "* One copy stays in our storage.\n* The other one lies somewhere else, and is tested twice a year.\n",
    "de": "Ab dem nächsten Quartal bitten wir alle Partner, **zwei Kopien** der Sicherungen jedes Kunden zu halten.\n\n"
    "* Eine Kopie bleibt in unserem Speicher.\n* Die andere liegt woanders und wird zweimal im Jahr geprüft.\n",
}
ASKED = "Two customers want to move their archives to us by the end of the quarter. We need 5 TB more for that."
QUESTION = "Gladly. Is it enough if the capacity is there at the beginning of next month?"
ANSWER = "Yes, that is early enough. Thank you!"


@dataclass(frozen=True)
class Program:
    name: str
    url: str
    purposes: Mapping[str, str]


PROGRAMS = (
    Program(
        "AWS CLI",
        "https://aws.amazon.com/cli/",
        {"en": "Commands of Amazon for S3, for scripts.", "de": "Befehle von Amazon für S3, für Skripte."},
    ),
    Program(
        "rclone",
        "https://rclone.org/s3/",
        {
            "en": "Copies and compares folders, also between two providers.",
            "de": "Kopiert und vergleicht Ordner, auch zwischen zwei Anbietern.",
        },
    ),
    Program(
        "restic",
        "https://restic.net/",
        {
            "en": "Encrypted backups that store each piece of data only once.",
            "de": "Verschlüsselte Sicherungen, die jedes Stück Daten nur einmal ablegen.",
        },
    ),
)


def everything(settings: Settings, clock: Clock, olga: Operator, mara: Member, contract: Contract) -> None:
    """Whatever of it is missing; each step is a transaction of its own."""
    programs(settings, clock, olga)
    ending_contract(settings, clock, olga, mara)
    paper(settings, clock, olga, mara)
    notice(settings, clock, olga)
    request(settings, clock, olga, mara, contract)


def programs(settings: Settings, clock: Clock, olga: Operator) -> None:
    """The list of programs that partners see, with https addresses."""
    known = {row.name for row in integrations.listed()}
    for program in PROGRAMS:
        if program.name not in known:
            said = in_all_languages(settings, program.purposes)
            integrations.keep(as_person(olga, clock), None, program.name, program.url, said)


def ending_contract(settings: Settings, clock: Clock, olga: Operator, mara: Member) -> None:
    """A second contract, without sub-accounts."""
    if Contract.select().where(Contract.partner == mara.partner_id).count() > 1:
        return
    today = local_day(clock.now(), settings.provider.time_zone)
    terms = replace(contract_terms(settings, clock), reserved_bytes=2 * TB, ends_on=today + timedelta(ENDS_IN_DAYS))
    contracts.create(as_person(olga, clock), settings, mara.partner_id, terms)


def paper(settings: Settings, clock: Clock, olga: Operator, mara: Member) -> None:
    """A price list in the partner's file, for administrators and staff."""
    if PartnerDocument.select().where(PartnerDocument.partner == mara.partner_id).exists():
        return
    act = as_person(olga, clock)
    title = f"Price list {local_day(act.at, settings.provider.time_zone).year}"
    rows = [("Reserved capacity", "0.55 ct per GB and month"), ("Excess", "0.90 ct per GB and month"), ("Egress", "–")]
    blocks: list[pdf.Block] = [
        pdf.Paragraph("Prices without VAT, for the contracts of sample data."),
        pdf.Rows(("What", "Price"), rows),
    ]
    content = pdf.document(
        title, blocks, language="en", provider=settings.provider.name, confidential=True, created_at=act.at
    )
    partner_documents.add(
        act, settings, mara.partner_id, kind="price_list", title=title, readers="staff",
        file=uploads.own("price-list.pdf", content), once_key="sample-price-list",
    )  # fmt: skip


def notice(settings: Settings, clock: Clock, olga: Operator) -> None:
    """Stands for all partners, and asks for an acknowledgement."""
    titles, bodies = in_all_languages(settings, TITLES), in_all_languages(settings, BODIES)
    row = Notice.select().order_by(Notice.id).first() or notice_desk.create(
        as_person(olga, clock), Draft("instruction", titles, bodies, pinned=True, asks=True), "sample-notice"
    )
    if row.state == "draft":
        notice_desk.publish(as_person(olga, clock), row.id, notice_desk.fingerprint(row), settings.locales)


def request(settings: Settings, clock: Clock, olga: Operator, mara: Member, contract: Contract) -> None:
    """Asked, asked back, answered: now an operator decides."""
    row = ChangeRequest.select().where(ChangeRequest.partner == mara.partner_id).order_by(ChangeRequest.id).first()
    row = row or change_requests.open_request(
        as_person(mara, clock), settings, mara.partner, "more_capacity",
        reason=ASKED, contract=contract, wanted={"more_bytes": 5 * TB},
    )  # fmt: skip
    said = RequestMessage.select().where(RequestMessage.request == row).count()
    for person, text in ((mara, ASKED), (olga, QUESTION), (mara, ANSWER))[said:]:
        if row.state in UNDECIDED:
            change_requests.write(as_person(person, clock), settings, row.number, text)


def in_all_languages(settings: Settings, texts: Mapping[str, str]) -> dict[str, str]:
    """Languages that the sample data do not speak get the English text."""
    return {language: texts.get(language, texts["en"]) for language in settings.locales}
