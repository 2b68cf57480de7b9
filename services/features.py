"""Areas of the portal that the provider can switch off, for all partners or for one, now or at a time (T5).

One table of areas, one of the jobs that stop with them. Pages ask through the gate (blueprints/now_closed.py), jobs by
`open_to`. Whether a switch holds is found out at the moment of asking; nothing has to run for it.
"""

from dataclasses import dataclass
from datetime import datetime

from peewee import fn

from models.feature_switch import FeatureSwitch, holds
from models.partner import Partner
from services.refusal import N_


@dataclass(frozen=True)
class Area:
    """`loss`: what a member cannot do while it is off."""

    label: str
    loss: str


AREAS: dict[str, Area] = {
    "sign_up": Area(N_("Sign-up"), N_("Nobody can apply to become a partner.")),
    "allocation": Area(N_("Allocation"), N_("The allocation board is closed: capacity stays distributed as it is.")),
    "sub_accounts": Area(N_("Sub-accounts"), N_("The list and the pages of sub-accounts are closed.")),
    "sub_account_creation": Area(N_("Creation of sub-accounts"), N_("No sub-account can be created.")),
    "sub_account_change": Area(
        N_("Changes to sub-accounts"), N_("Sub-accounts cannot be renamed, paused, resumed or restored.")
    ),
    "sub_account_deletion": Area(
        N_("Deletion of sub-accounts"), N_("No deletion can be asked for, and those that were asked for do not begin.")
    ),
    "keys": Area(
        N_("Access keys"), N_("Keys cannot be shown, made or deleted. Those there are work, and can be switched off.")
    ),
    "console": Area(
        N_("Customer console"),
        N_("Customers cannot use the console, and nobody is invited to it. Their keys work, and can be stopped."),
    ),
    "key_hand_over": Area(N_("Hand-over of keys"), N_("Links that hand a key over cannot be made or used.")),
    "usage": Area(N_("Usage"), N_("The pages about use are closed. Use is measured all the same.")),
    "exports": Area(N_("Exports of lists"), N_("Lists cannot be saved as files. The full export for leaving can.")),
    "flow_down": Area(
        N_("Terms for end customers"),
        N_("Terms cannot be sent to customers or confirmed for them. Customers can still answer links that they have."),
    ),
    "requests": Area(N_("Requests"), N_("New requests cannot be made. Those that end a contract can.")),
    "company": Area(N_("Company details"), N_("Details of the company cannot be changed.")),
    "sso": Area(
        N_("Log-in with the company's own log-in"),
        N_("Nobody signs in with it. Passwords and passkeys do, also where a company wants its own log-in alone."),
    ),
    "provisioning": Area(
        N_("Work on the storage service"),
        N_("What was created or changed waits for the storage service. Barring of access and quotas go on."),
    ),
}

# What a notice may close until it is acknowledged. Never what customers need to reach their data, never what leaving
# needs, never what a stranger or the worker does.
BLOCKABLE = (
    "allocation",
    "sub_accounts",
    "sub_account_creation",
    "sub_account_change",
    "sub_account_deletion",
    "usage",
    "company",
)

# What the worker does for an area: it passes over partners for whom that is off, and what is due stays due.
JOBS = {
    "provision_next": "provisioning",
    "deletion_guard.begin_due": "sub_account_deletion",
    "key_rotation.delete_due": "keys",
}
JOBS_NEVER_OFF = {
    "access_ends.sweep": "access ends by its date (T4)",
    "access_keys.destroy_expired": "secrets whose time is over go",
    "audit_heads.tell": "the head of the trail leaves the database each day (T3)",
    "attempts.tidy": "counters of guesses; nobody's feature",
    "attention_mails.tell": "people have to know what is stuck",
    "closing_retrieval.hold_open": "the time to fetch data is not over before they can be fetched (T19)",
    "closing_retrieval.open_due": "data can be fetched at the end of a contract (T19)",
    "closing_steps.erase_due": "what law orders to erase is erased",
    "closing_steps.step": "contracts end by their dates (T19)",
    "consent_overdue.tell": "partners have to know that their time to agree is over",
    "contracts.sweep": "contracts begin and end by their dates",
    "contracts_access.follow_contracts": "access follows the contract (T19)",
    "contracts_notices.tell_due": "partners have to know when a contract ends (T19)",
    "document_notices.tell": "new versions of documents have to reach whom they bind (T5)",
    "document_publishing.supersede": "documents come into force by their dates",
    "drift.look": "differences are found whatever is off; nothing is changed",
    "empty_log": "overwrites what was deleted",
    "enforcement.enforce_due": "quotas hold what was agreed and paid",
    "factor_resets.sweep": "who lost a second factor gets in again after a day, and nobody else (T10)",
    "flow_down_work.tend": "links that were asked for, and reminders of them, are owed (T2)",
    "hand_over_links.end_expired": "links end when their time is over",
    "housekeeping.nightly": "what its time has run out for is erased",
    "kept_forms.tidy": "what waits for a person for minutes goes after that",
    "key_use.look": "only looks",
    "mail_sending.send_due": "what was written is owed: passwords, receipts, instructions",
    "measures.follow": "follows what staff decided about a partner (T9)",
    "notice_mails.send_due": "instructions and regulations have to reach whom they bind (T6)",
    "passkeys.tidy": "questions that no passkey answered",
    "regions.note_tended": "a sign of life",
    "restored.on": "only asks",
    "sweep.next_at": "only says when",
    "sweep.sweep": "calls others, each of which is named here",
    "usage.measure_due": "what was not measured can never be measured later",
    "usage_keeping.tidy": "sums up what was measured",
    "verification_sweep.sweep": "details come due by their dates (T8)",
}


def off(area: str, partner: Partner | int | None, at: datetime) -> FeatureSwitch | None:
    """The switch that keeps the area closed to this partner at `at`, the latest made; None while it is open. Without a
    partner only what is off for all counts."""
    known(area)
    partner_id = partner.id if isinstance(partner, Partner) else partner
    whose = FeatureSwitch.partner.is_null()
    if partner_id is not None:
        whose |= FeatureSwitch.partner == partner_id
    found = FeatureSwitch.select().where(FeatureSwitch.area == area, whose, holds(at))
    return found.order_by(FeatureSwitch.id.desc()).first()


def open_to(area: str, partner_column, at: datetime):
    """For the WHERE of a job: true of rows whose partner, named by `partner_column`, may have the area at `at`."""
    known(area)
    whose = FeatureSwitch.partner.is_null() | (FeatureSwitch.partner == partner_column)
    return ~fn.EXISTS(FeatureSwitch.select(FeatureSwitch.id).where(FeatureSwitch.area == area, whose, holds(at)))


def known(area: str) -> Area:
    """The area of this name. Raises ValueError for a name that is none: a mistyped one would never be off."""
    if area not in AREAS:
        raise ValueError(f"the portal has no area {area!r}")
    return AREAS[area]


def text_in(texts: dict[str, str], language: str) -> str:
    """The text in this language, else in English, else in any."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
