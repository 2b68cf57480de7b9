"""Programs and services of others that work with the storage: a list that the provider's staff keep (T15)."""

from collections.abc import Mapping

from peewee import fn

from models.base import locked, write_tx
from models.integration import Integration
from services import outward
from services.audit import Act, record
from services.refusal import N_, NotFound, Refusal

LONGEST_NAME, LONGEST_PURPOSE = 80, 300


class IntegrationRefused(Refusal):
    """The list stays as it was."""


def listed() -> list[Integration]:
    return list(Integration.select().order_by(fn.LOWER(Integration.name), Integration.id))


def keep(act: Act, integration_id: int | None, name: str, url: str, purposes: Mapping[str, str]) -> Integration:
    """Adds an entry (`integration_id` None) or changes one. `purposes`: language -> a sentence, none of them empty.
    Raises NotFound, and IntegrationRefused with the field: name, url, or purpose_<language>."""
    name, url = " ".join(name.split()), url.strip()
    said = {language: " ".join(text.split()) for language, text in purposes.items()}
    _refuse(name, url, said)
    with write_tx():
        taken = Integration.select().where(fn.LOWER(Integration.name) == name.lower())
        if any(row.id != integration_id for row in taken):
            raise IntegrationRefused(N_("This name is on the list already."), "name")
        after = {"name": name, "url": url}
        if integration_id is None:
            stamps = {"created_at": act.at, "changed_at": act.at, "changed_by": act.actor_name}
            row = Integration.create(name=name, url=url, purposes=said, **stamps)
            record(act, "integration.added", row, after=after)
            return row
        row = _locked(integration_id)
        before = {"name": row.name, "url": row.url}
        row.name, row.url, row.purposes = name, url, said
        row.changed_at, row.changed_by = act.at, act.actor_name
        changed = (Integration.name, Integration.url, Integration.purposes)
        row.save(only=[*changed, Integration.changed_at, Integration.changed_by])
        record(act, "integration.changed", row, before=before, after=after)
    return row


def remove(act: Act, integration_id: int) -> Integration:
    """Takes an entry off the list. Raises NotFound."""
    with write_tx():
        row = _locked(integration_id)
        record(act, "integration.removed", row, before={"name": row.name, "url": row.url})
        row.delete_instance()
    return row


def known(integration_id: int) -> Integration:
    """Raises NotFound."""
    return Integration.get_or_none(id=integration_id) or _gone()


def _locked(integration_id: int) -> Integration:
    return locked(Integration.select().where(Integration.id == integration_id)).first() or _gone()


def _gone() -> Integration:
    raise NotFound


def _refuse(name: str, url: str, purposes: Mapping[str, str]) -> None:
    if not name:
        raise IntegrationRefused(N_("Enter a name."), "name")
    if len(name) > LONGEST_NAME:
        raise IntegrationRefused(N_("Write at most %(most)s characters."), "name", most=LONGEST_NAME)
    if not url.startswith("https://") or not outward.is_web(url):
        raise IntegrationRefused(N_("Enter a web address that begins with https://."), "url")
    for language, text in purposes.items():
        if not text:
            raise IntegrationRefused(N_("Say in a sentence what it is good for."), f"purpose_{language}")
        if len(text) > LONGEST_PURPOSE:
            most = LONGEST_PURPOSE
            raise IntegrationRefused(N_("Write at most %(most)s characters."), f"purpose_{language}", most=most)
