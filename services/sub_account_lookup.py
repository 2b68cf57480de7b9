"""Finding what a sub-account's pages show, always through the partner who owns it."""

from datetime import datetime

from peewee import JOIN

from models.contract import Contract
from models.flow_down import CustomerAcceptance, FlowDown, FlowDownLink, current_label, state
from models.partner import Partner
from models.stored_file import StoredFile
from models.sub_account import Customer, Region, SubAccount
from models.terms import TermsVersion
from services import documents
from services.refusal import NotFound


def own_sub_account(partner: Partner, number: str, at: datetime) -> SubAccount:
    """The partner's sub-account with its customer, region, contract and latest flow-down record, in one query.

    `flow_down` is that record (or None) with its version, document (without content) and evidence, `flow_down_label`
    the label now in force, `flow_down_state` one of models.flow_down.STATES, `flow_down_link` the link that has not
    ended, or None; its time may be up. Raises NotFound for unknown and foreign numbers alike.
    """
    row = _with_terms(at).where(SubAccount.partner == partner, SubAccount.number == number).first()
    if row is None:
        raise NotFound()
    record_of = getattr(row, "flow_down", None)
    row.flow_down = record_of if record_of is not None and record_of.id else None
    link = getattr(row, "link", None)
    row.flow_down_link = link if link is not None and link.id else None
    row.flow_down_label, row.flow_down_state = row.label, row.terms
    return row


def _with_terms(at: datetime):
    later = FlowDown.alias()
    open_link = (FlowDownLink.sub_account == SubAccount.id) & FlowDownLink.ended_at.is_null()
    newest = later.select(later.id).where(later.sub_account == SubAccount.id).order_by(later.id.desc()).limit(1)
    return (
        SubAccount.select(
            SubAccount,
            Customer,
            Region,
            Contract,
            FlowDown,
            TermsVersion,
            *(StoredFile.id, StoredFile.public_id, StoredFile.name),
            CustomerAcceptance,
            FlowDownLink,
            current_label(at).alias("label"),
            state(at).alias("terms"),
        )
        .join(Customer)
        .switch(SubAccount)
        .join(Region)
        .switch(SubAccount)
        .join(Contract)
        .switch(SubAccount)
        .join(FlowDown, JOIN.LEFT_OUTER, on=(FlowDown.id == newest), attr="flow_down")
        .join(TermsVersion, JOIN.LEFT_OUTER)
        .switch(FlowDown)
        .join(StoredFile, JOIN.LEFT_OUTER)
        .switch(FlowDown)
        .join(CustomerAcceptance, JOIN.LEFT_OUTER, on=(FlowDown.acceptance == CustomerAcceptance.id))
        .switch(SubAccount)
        .join(FlowDownLink, JOIN.LEFT_OUTER, on=open_link, attr="link")
    )


def open_contracts(partner: Partner) -> list[Contract]:
    """Contracts from which a sub-account can be opened."""
    active = (Contract.partner == partner) & (Contract.state == "active")
    return list(Contract.select().where(active).order_by(Contract.number))


def flow_down_terms(at: datetime, language: str) -> TermsVersion | None:
    """The flow-down terms in force, in the language where that exists."""
    return documents.current("flow_down", language, at)
