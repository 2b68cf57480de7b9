"""Who may do what: every right, and the roles that hold it."""

from enum import StrEnum

from services.team_rules import MANAGERS


class Permission(StrEnum):
    ACTIVITY_VIEW = "activity:view"
    ALLOCATION_CHANGE = "allocation:change"
    ALLOCATION_VIEW = "allocation:view"
    APPLICATION_ANSWER = "application:answer"
    APPLICATION_DECIDE = "application:decide"
    APPLICATION_QUERY = "application:query"
    APPLICATION_VIEW = "application:view"
    ARCHIVE_READ = "archive:read"
    CLOSURE_DESK = "closure-desk:view"
    CLOSURE_BEGIN = "closure:begin"
    CLOSURE_DECIDE = "closure:decide"
    COMPANY_CHANGE = "company:change"
    COMPANY_VIEW = "company:view"
    CONTRACT_CHANGE = "contract:change"
    CONTRACT_CREATE = "contract:create"
    DOCUMENT_APPROVE = "document:approve"
    DOCUMENT_VIEW = "document:view"
    DOCUMENT_WRITE = "document:write"
    EVIDENCE_EXPORT = "evidence:export"
    INCIDENT_CHANGE = "incident:change"
    INCIDENT_CONTAIN = "incident:contain"
    INCIDENT_VIEW = "incident:view"
    INTEGRATION_CHANGE = "integration:change"
    KEY_CHANGE = "key:change"
    KEY_REVEAL = "key:reveal"
    NOTICE_VIEW = "notice:view"
    NOTICE_WRITE = "notice:write"
    OPERATOR_MANAGE = "operator:manage"
    OUTBOX_VIEW = "outbox:view"
    OWN_DATA_EXPORT = "own-data:export"
    PAPER_MANAGE = "paper:manage"
    PAPER_VIEW = "paper:view"
    PARTNER_BAR = "partner:bar"
    PARTNER_SUSPEND = "partner:suspend"
    PARTNER_TERMINATE = "partner:terminate"
    POLICY_CHANGE = "policy:change"
    POLICY_VIEW = "policy:view"
    PORTAL_USE = "portal:use"
    PROFILE_CHANGE = "profile:change"
    REQUEST_ANSWER = "request:answer"
    REQUEST_CLOSURE = "request:closure"
    REQUEST_DECIDE = "request:decide"
    REQUEST_LIST = "request:list"
    REQUEST_OPEN = "request:open"
    REQUEST_VIEW = "request:view"
    REQUEST_WRITE = "request:write"
    SECOND_FACTOR_REQUIRE = "second-factor:require"
    SECOND_FACTOR_RESET = "second-factor:reset"
    SESSION_END = "session:end"
    SSO_DECIDE = "sso:decide"
    SSO_MANAGE = "sso:manage"
    STORAGE_DECIDE = "storage:decide"
    STORAGE_VIEW = "storage:view"
    SUB_ACCOUNT_CHANGE = "sub-account:change"
    SUB_ACCOUNT_DELETE = "sub-account:delete"
    SUB_ACCOUNT_EXPORT = "sub-account:export"
    SUB_ACCOUNT_LIST = "sub-account:list"
    SUB_ACCOUNT_PAUSE = "sub-account:pause"
    SUB_ACCOUNT_VIEW = "sub-account:view"
    SUPPORT_ALLOW = "support:allow"
    SUPPORT_LOOK = "support:look"
    SUPPORT_VIEW = "support:view"
    SWITCH_CHANGE = "switch:change"
    SWITCH_VIEW = "switch:view"
    TEAM_MANAGE = "team:manage"
    TEAM_REMOVE = "team:remove"
    TEAM_VIEW = "team:view"
    TERMS_ACCEPT = "terms:accept"
    USAGE_VIEW = "usage:view"


MEMBERS = frozenset({"admin", "staff", "viewer"})
WORKERS = frozenset({"admin", "staff"})
OPERATORS = frozenset({"support", "manager", "owner"})
DECIDERS = frozenset({"manager", "owner"})

LOOKING = ("view", "list", "export", "use")


def only_looks(permission: Permission) -> bool:
    """Whether the right is one to look; all others are there to change something."""
    return permission.value.split(":")[1] in LOOKING


ROLES: dict[Permission, frozenset[str]] = {
    Permission.ACTIVITY_VIEW: MEMBERS,
    Permission.ALLOCATION_CHANGE: WORKERS,
    Permission.ALLOCATION_VIEW: MEMBERS,
    Permission.APPLICATION_ANSWER: frozenset({"admin"}),
    Permission.APPLICATION_DECIDE: DECIDERS,
    Permission.APPLICATION_QUERY: OPERATORS,
    Permission.APPLICATION_VIEW: OPERATORS,
    Permission.ARCHIVE_READ: frozenset({"owner"}),
    Permission.CLOSURE_DESK: OPERATORS,
    Permission.CLOSURE_BEGIN: frozenset({"admin"}),
    Permission.CLOSURE_DECIDE: DECIDERS,
    Permission.COMPANY_CHANGE: frozenset({"admin"}),
    Permission.COMPANY_VIEW: MEMBERS,
    Permission.CONTRACT_CHANGE: DECIDERS,
    Permission.CONTRACT_CREATE: DECIDERS,
    Permission.DOCUMENT_APPROVE: DECIDERS,
    Permission.DOCUMENT_VIEW: OPERATORS,
    Permission.DOCUMENT_WRITE: DECIDERS,
    Permission.EVIDENCE_EXPORT: DECIDERS,
    Permission.INCIDENT_CHANGE: OPERATORS,
    Permission.INCIDENT_CONTAIN: DECIDERS,
    Permission.INCIDENT_VIEW: OPERATORS,
    Permission.INTEGRATION_CHANGE: DECIDERS,
    Permission.KEY_CHANGE: WORKERS,
    Permission.KEY_REVEAL: WORKERS,
    Permission.NOTICE_VIEW: OPERATORS,
    Permission.NOTICE_WRITE: DECIDERS,
    Permission.OPERATOR_MANAGE: frozenset({"owner"}),
    Permission.OUTBOX_VIEW: OPERATORS,
    Permission.OWN_DATA_EXPORT: frozenset({"admin"}),
    Permission.PAPER_MANAGE: DECIDERS,
    Permission.PAPER_VIEW: MEMBERS,
    Permission.PARTNER_BAR: DECIDERS,
    Permission.PARTNER_SUSPEND: DECIDERS,
    Permission.PARTNER_TERMINATE: DECIDERS,
    Permission.POLICY_CHANGE: DECIDERS,
    Permission.POLICY_VIEW: OPERATORS,
    Permission.PORTAL_USE: MEMBERS,
    Permission.PROFILE_CHANGE: MEMBERS,
    Permission.REQUEST_ANSWER: OPERATORS,
    Permission.REQUEST_CLOSURE: frozenset({"admin"}),
    Permission.REQUEST_DECIDE: DECIDERS,
    Permission.REQUEST_LIST: OPERATORS,
    Permission.REQUEST_OPEN: WORKERS,
    Permission.REQUEST_VIEW: MEMBERS,
    Permission.REQUEST_WRITE: WORKERS,
    Permission.SECOND_FACTOR_REQUIRE: frozenset({"admin"}),
    Permission.SECOND_FACTOR_RESET: DECIDERS | {"admin"},
    Permission.SESSION_END: OPERATORS,
    Permission.SSO_DECIDE: DECIDERS,
    Permission.SSO_MANAGE: frozenset({"admin"}),
    Permission.STORAGE_DECIDE: DECIDERS,
    Permission.STORAGE_VIEW: OPERATORS,
    Permission.SUB_ACCOUNT_CHANGE: WORKERS,
    Permission.SUB_ACCOUNT_DELETE: frozenset({"admin"}),
    Permission.SUB_ACCOUNT_EXPORT: MEMBERS,
    Permission.SUB_ACCOUNT_LIST: MEMBERS,
    Permission.SUB_ACCOUNT_PAUSE: WORKERS,
    Permission.SUB_ACCOUNT_VIEW: WORKERS,
    Permission.SUPPORT_ALLOW: frozenset({"admin"}),
    Permission.SUPPORT_LOOK: OPERATORS,
    Permission.SUPPORT_VIEW: MEMBERS,
    Permission.SWITCH_CHANGE: DECIDERS,
    Permission.SWITCH_VIEW: OPERATORS,
    Permission.TEAM_MANAGE: MANAGERS,
    Permission.TEAM_REMOVE: MANAGERS,
    Permission.TEAM_VIEW: MEMBERS,
    Permission.TERMS_ACCEPT: frozenset({"admin"}),
    Permission.USAGE_VIEW: MEMBERS,
}
