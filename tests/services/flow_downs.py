"""The ground of the tests of the terms for end customers: sub-accounts whose customers are sent links, and answer."""

import io
import itertools
import re
from datetime import date, datetime
from functools import cache

from pypdf import PdfWriter

from models import flow_down as questions
from models import lists
from models.base import write_tx
from models.flow_down import CustomerAcceptance, FlowDown, FlowDownLink
from models.lists import Asked
from models.outbox import Mail
from models.sub_account import SubAccount
from models.terms import TermsVersion
from services import (
    documents,
    flow_down_answers,
    flow_down_attesting,
    flow_down_links,
    legal_text,
    sub_accounts,
    uploads,
)
from services.audit import Act
from services.flow_down_answers import Answer
from services.flow_down_attesting import Attestation
from tests.cast import act_of
from tests.services.ground import Ground

GB = 10**9


@cache
def some_pdf() -> bytes:
    writer, written = PdfWriter(), io.BytesIO()
    writer.add_blank_page(210, 297)
    writer.write(written)
    return written.getvalue()


class Agreements:
    def __init__(self, ground: Ground):
        self.ground, self._counter = ground, itertools.count()

    @property
    def now(self) -> datetime:
        return self.ground.clock.now()

    def act(self, person=None) -> Act:
        return act_of(person or self.ground.cast.alice, self.now)

    def customer_s_act(self) -> Act:
        return Act(at=self.now, kind="visitor", source="web", ip="198.51.100.7", user_agent="Phone", request_id="r1")

    def _once(self) -> str:
        return f"once-agreement-{next(self._counter)}"

    def opened(self, name: str, way: str = "link", *, person=None, locale: str = "en") -> SubAccount:
        person = person or self.ground.cast.alice
        contract = "RCP-1001" if person.partner == self.ground.cast.northwind else "RCP-2001"
        wish = sub_accounts.SubAccountWish(
            contract_number=contract, region=self.ground.cast.region.name, customer=name, name=name,
            contact_name="Kim Kunde", contact_email="kim@customer.example.com", billing="reserved",
            allocated_bytes=GB, allow_overdraft=False, flow_down_reference="MSA-1" if way == "attested" else "",
            flow_down_agreed_on=date(2026, 2, 1) if way == "attested" else None, flow_down_way=way, locale=locale,
        )  # fmt: skip
        return sub_accounts.create(self.act(person), self.ground.settings, person.partner, wish, self._once())

    def without_link(self, name: str) -> SubAccount:
        account = self.opened(name)
        flow_down_links.withdraw(self.act(), account.partner, account.number)
        return account

    def token(self, account: SubAccount) -> str:
        """Of the latest link, as its mail has it."""
        links = FlowDownLink.select().where(FlowDownLink.sub_account == account)
        hashes = {link.token_hash for link in links}
        for mail in Mail.select().where(Mail.template == "flow_down_link").order_by(Mail.id.desc()):
            token = re.search(r"/agree/([\w-]{43})", mail.text)[1]
            if flow_down_links.digest(token) in hashes:
                return token
        raise AssertionError("no link was sent")

    def send(self, account: SubAccount, once_key: str = "") -> FlowDownLink:
        key = once_key or self._once()
        return flow_down_links.send(self.act(), self.ground.settings, account.partner, account.number, "en", key)

    def answer(self, language: str = "en", **more) -> Answer:
        version = documents.current("flow_down", language, self.now)
        values = {"company": "Müller GmbH", "person_name": "Kim Kunde", "shown": {"box": "I agree", "button": "Agree"}}
        return Answer(version.id, version.sha256, **{**values, **more})

    def accept(self, account: SubAccount, *, token: str = "", answer: Answer | None = None) -> CustomerAcceptance:
        act, token = self.customer_s_act(), token or self.token(account)
        return flow_down_answers.accept(act, self.ground.settings, token, answer or self.answer())

    def decline(self, account: SubAccount, reason: str = "") -> CustomerAcceptance:
        act, said = self.customer_s_act(), self.answer(person_name="", reason=reason)
        return flow_down_answers.decline(act, self.ground.settings, self.token(account), said)

    def attest(self, account: SubAccount, *, person=None, once_key: str = "", **said) -> FlowDown | None:
        act, settings = self.act(person), self.ground.settings
        if "document" in said:
            said["document"] = uploads.checked(act, *said["document"], "document")
        said = Attestation(**{"reference": "MSA-9", "agreed_on": date(2026, 2, 1), **said})
        return flow_down_attesting.attest(
            act, settings, account.partner, account.number, said, once_key or self._once()
        )

    def publish(self, label: str, effective_at: datetime | None = None) -> None:
        """A newer text in both languages."""
        with write_tx():
            for language in ("en", "de"):
                body = f"# Terms {label}\n\nWords in {language}.\n"
                TermsVersion.create(
                    kind="flow_down", label=label, language=language, title=f"Terms {label}", body=body,
                    sha256=legal_text.digest(body), state="published", requires_acceptance=False,
                    published_at=self.now, effective_at=effective_at or self.now,
                )  # fmt: skip

    def state(self, account: SubAccount) -> str:
        return questions.of_numbers(account.partner, [account.number], self.now)[0].flow_down

    def filtered(self, name: str) -> set[str]:
        northwind = self.ground.cast.northwind
        return {row.number for row in lists.page(northwind, Asked(terms=name), self.now).rows}

    def one_of_each_state(self) -> dict[str, SubAccount]:
        """By state. The customers of "outdated" agreed before the second version, those of the others after it."""
        outdated = self.opened("Outdated", "attested")
        self.ground.clock.advance(days=2)
        self.publish("2.0")
        rows = {"outdated": outdated, "none": self.without_link("Nobody"), "sent": self.opened("Sent")}
        rows["attested"], rows["accepted"] = self.opened("Attested", "attested"), self.opened("Accepted")
        self.accept(rows["accepted"])
        rows["declined"] = self.opened("Declined")
        self.decline(rows["declined"])
        return rows
