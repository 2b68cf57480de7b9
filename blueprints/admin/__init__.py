"""What the provider's people see and decide. One module per area; each hangs its pages onto `bp`."""

from flask import Blueprint

bp = Blueprint("admin", __name__, url_prefix="/admin")

from blueprints.admin import (  # noqa: E402, F401  the pages need `bp`
    archive,
    change_log,
    change_requests,
    closures,
    company_domains,
    contract_changes,
    contracts,
    decisions,
    details,
    documents,
    end_customers,
    incident_files,
    incidents,
    integrations,
    measures,
    notice_answers,
    notices,
    operators,
    outbox,
    papers,
    partners,
    policy,
    queue,
    restored,
    storage,
    storage_deletions,
    storage_desk,
    support,
    switches,
    trail_pages,
)
