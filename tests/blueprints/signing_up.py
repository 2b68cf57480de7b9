"""One way through the sign-up, for the tests that need somebody who went it."""

import re

from models.outbox import Mail
from services import documents
from tests.cast import act_of
from tests.client import PortalClient

COMPANY = {
    "legal_name": "Fabrikam Süd GmbH & Co. KG",
    "country": "DE",
    "register_number": "HRB 4711",
    "vat_id": "DE 136 695 976",
    "street": "Lange Gasse 5",
    "postcode": "D-80331",
    "city": "München",
    "phone": "089 1234567",
}
PASSWORD = "lamp river socket Tuesday"
PERSON = {
    "name": "Dora Dietz",
    "email": "Dora.Dietz@Fabrikam.example.com",
    "person_phone": "",
    "job_title": "Owner",
    "relation": "employee",
    "password": PASSWORD,
}


def publish(app) -> None:
    with app.app_context():
        documents.publish_shipped(act_of(None, app.clock.now()), app.settings)


def boxes(page: str) -> dict[str, str]:
    """What a browser posts when every box of the consent page is ticked."""
    seen = dict(re.findall(r'name="(seen_\w+)"[^>]*value="([^"]+)"', page))
    return {**seen, **{name.replace("seen_", "agree_"): "y" for name in seen}, "authority": "y"}


def fill_in(client: PortalClient, company: dict | None = None, person: dict | None = None) -> None:
    """Up to the check."""
    answer = client.post("/sign-up/company", data={**COMPANY, **(company or {})})
    assert answer.status_code == 303, answer.text
    answer = client.post("/sign-up/person", data={**PERSON, **(person or {})})
    assert answer.status_code == 303, answer.text


def sign_up(client: PortalClient, company: dict | None = None, person: dict | None = None):
    """Up to "we have sent you a mail"; gives that page."""
    fill_in(client, company, person)
    answer = client.post("/sign-up/terms", data=boxes(client.get("/sign-up/terms").text))
    assert answer.status_code == 303, answer.text
    return client.get(answer.location)


def link_in(mail: Mail) -> str:
    """The path of the one-time link in a mail."""
    found = re.search(r"https?://[^/\s]+(/sign-up/confirm/\S+)", mail.text)
    assert found, mail.text
    return found[1]


def mails(template: str) -> list[Mail]:
    return list(Mail.select().where(Mail.template == template).order_by(Mail.id))
