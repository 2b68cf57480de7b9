"""The journey walked from end to end in one way, and what the database says afterwards."""

from dataclasses import dataclass, field

from playwright.sync_api import Browser

from tests.browser import application, capacity
from tests.browser.application import Applicant
from tests.browser.capacity import CUSTOMERS, Pair
from tests.browser.hands import Hand
from tests.browser.running import RunningPortal
from tests.browser.windows import open_window


@dataclass
class Walk:
    """Who walked where. `pairs`: what each customer was handed, by customer; `rows`: what was left behind."""

    portal: RunningPortal
    who: Applicant
    partner: Hand
    operator: Hand
    pairs: dict[str, Pair] = field(default_factory=dict)
    rows: dict[str, list[dict]] = field(default_factory=dict)

    def close(self) -> None:
        self.partner.visitor.context.close()
        self.operator.visitor.context.close()

    @property
    def complaints(self) -> list[str]:
        return self.partner.visitor.complaints + self.operator.visitor.complaints

    @property
    def asked(self) -> list[str]:
        return self.partner.visitor.asked + self.operator.visitor.asked


def walk(browser: Browser, portal: RunningPortal, way: type[Hand]) -> Walk:
    """Items 2 to 6: sign-up, decision, contract, three sub-accounts with their keys, the board.

    The first sub-account is opened in the given way, the others with quick clicks in the same window, so that all ways
    end with the same rows.
    """
    walked = Walk(portal, Applicant(way.name), open_window(browser, portal, way), open_window(browser, portal, way))
    application.become_partner(walked.partner, walked.operator, portal, walked.who)
    quick = Hand(walked.partner.visitor)
    quick.scripts = way.scripts
    for number, customer in enumerate(CUSTOMERS):
        hand = quick if number else walked.partner
        capacity.open_sub_account(hand, customer)
        capacity.watch_set_up(hand)
        walked.pairs[customer.name] = capacity.show_key(hand)
        capacity.say_stored(hand)
    capacity.distribute(walked.partner, walked.who)
    walked.rows = state(walked)
    return walked


STATE = {
    "partner": """SELECT state, country, register_number, vat_id, street, postcode, city, phone, decision_note
        FROM partner WHERE id = ?""",
    "member": """SELECT name, phone, job_title, role, relation, declared_authority, locale, active,
        email_confirmed_at IS NOT NULL AS confirmed FROM member WHERE partner_id = ?""",
    "acceptance": """SELECT terms_version.kind, terms_version.label, acceptance.sha256, member_role, method, ip
        FROM acceptance JOIN terms_version ON terms_version.id = acceptance.version_id
        WHERE partner_id = ? ORDER BY kind""",
    "query": "SELECT field, note, value_before, value_after, answer FROM detail_query WHERE partner_id = ?",
    "contract": """SELECT kind, state, reserved_bytes, allocated_bytes, allow_overdraft, price_cents,
        excess_price_cents, egress_price_cents, currency, starts_on, ends_on, notice_days, version
        FROM contract WHERE partner_id = ?""",
    "sub_account": """SELECT name, contact_name, contact_email, billing, allow_overdraft, allocated_bytes, wanted_state,
        observed_state, observed_quota_bytes, in_force_bytes, phase, writable, generation, observed_generation
        FROM sub_account WHERE partner_id = ? ORDER BY name""",
    "flow_down": """SELECT way, reference, agreed_on FROM flow_down JOIN sub_account
        ON sub_account.id = flow_down.sub_account_id WHERE partner_id = ? ORDER BY flow_down.id""",
    "key": """SELECT origin, wanted, access_key.phase, secret_ct IS NULL AS secret_gone,
        retained_ct IS NOT NULL AS kept, revealed_at IS NOT NULL AS revealed, stored_at IS NOT NULL AS stored
        FROM access_key
        JOIN sub_account ON sub_account.id = access_key.sub_account_id WHERE partner_id = ? ORDER BY access_key.id""",
    "ledger": """SELECT sub_account.name, before_bytes, after_bytes, cause, reason FROM allocation_entry
        JOIN sub_account ON sub_account.id = allocation_entry.sub_account_id WHERE partner_id = ?
        ORDER BY allocation_entry.id""",
    "trail": """SELECT action, actor_kind, source FROM audit_event
        WHERE partner_id = ? AND actor_kind <> 'system' ORDER BY id""",
}


def state(walked: Walk) -> dict[str, list[dict]]:
    """The rows that the walk left behind, without names, numbers and times of their own."""
    partner = walked.portal.rows("SELECT id FROM partner WHERE legal_name = ?", walked.who.company)[0]["id"]
    return {name: [_plain(row) for row in walked.portal.rows(query, partner)] for name, query in STATE.items()}


def _plain(row: dict) -> dict:
    """The two databases write the same value differently: true and 1, a day and its text, a decimal and its text."""
    return {name: str(int(value) if isinstance(value, bool) else value) for name, value in row.items()}
