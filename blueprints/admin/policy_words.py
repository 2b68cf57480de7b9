"""What the rules of services/policy.py are called, what they do and in what they are counted. A test holds that each
has its words."""

from typing import NamedTuple

from flask_babel import lazy_gettext as _l

DAYS, PERCENT, TIMES, MAILS = _l("days"), "%", _l("times"), _l("mails")


class Words(NamedTuple):
    """`unit` is empty for a rule that is on or off."""

    label: str
    hint: str
    unit: str = DAYS


RULES = {
    "terms_notice_days": Words(
        _l("Notice before a new version holds"),
        _l("Partners are told of a new version of a document so long before it takes effect."),
    ),
    "terms_grace_days": Words(
        _l("Time to agree after that"),
        _l("Afterwards the portal is read-only for a partner that has not agreed. Access to data goes on."),
    ),
    "fair_use_window_days": Words(
        _l("Fair use: window"),
        _l("Decreases count for so long. A contract may have rules of its own."),
    ),
    "fair_use_decreases": Words(
        _l("Fair use: decreases of one sub-account"),
        _l("So often a sub-account can be lowered within the window. More has to be asked for."),
        TIMES,
    ),
    "fair_use_percent": Words(
        _l("Fair use: share of the package"),
        _l("So much of a contract's package can be lowered within the window. More has to be asked for."),
        PERCENT,
    ),
    "flow_down_before_keys": Words(
        _l("No keys before the customer has agreed"),
        _l("A sub-account gets its access keys only when the terms for end customers are accepted."),
        "",
    ),
    "flow_down_renewal_days": Words(
        _l("Time to renew the terms with customers"),
        _l("After a new version of the terms for end customers."),
    ),
    "flow_down_address_mails": Words(
        _l("Links to one address in a day"),
        _l("Counted over all partners, with reminders. It keeps the portal from being used to flood somebody."),
        MAILS,
    ),
    "flow_down_partner_mails": Words(
        _l("Links of one partner in a day"),
        _l("With reminders. A partner that sends links to all of its customers at once needs one for each."),
        MAILS,
    ),
    "confirm_details_days": Words(
        _l("Confirmation of company details"),
        _l("Partners are asked so often whether their details are still right."),
    ),
    "confirm_grace_days": Words(
        _l("Time to confirm them"),
        _l("Afterwards the portal is read-only for that partner until somebody has confirmed them."),
    ),
    "invitations_a_day": Words(
        _l("Invitations of one partner a day"),
        _l("So many people a partner can invite into its team within a day, those sent again counted."),
        TIMES,
    ),
    "deletions_alone": Words(
        _l("Deletions of one partner a day"),
        _l(
            "So many sub-accounts a partner can have deleted within a day by one administrator. More need a second one."
        ),
        TIMES,
    ),
    "releases_alone": Words(
        _l("Releases of one operator a day"),
        _l("So many deletions that are held back an operator lets begin alone. More need a second operator."),
        TIMES,
    ),
    "transition_days": Words(
        _l("End of contract: transition"),
        _l("Between the end of a contract and the time in which data can be fetched."),
    ),
    "retrieval_days": Words(
        _l("End of contract: time to fetch data"),
        _l("At least 30 days, by Regulation (EU) 2023/2854. Afterwards data are removed."),
    ),
    "access_ip_days": Words(
        _l("Network addresses"),
        _l("Kept in full for so long, then shortened to their network."),
    ),
    "mail_text_days": Words(
        _l("Texts of sent mails"),
        _l("Kept for so long after sending; the line in the outbox stays."),
    ),
    "refused_sign_up_days": Words(
        _l("Refused sign-ups"),
        _l("Kept for so long after the decision."),
    ),
    "security_log_days": Words(
        _l("Log-ins"),
        _l("Log-ins, and names in the trail of log-ins, passwords and links, are kept for so long."),
    ),
}
GROUPS = (
    (_l("Documents"), ("terms_notice_days", "terms_grace_days")),
    (_l("Fair use of decreases"), ("fair_use_window_days", "fair_use_decreases", "fair_use_percent")),
    (
        _l("Terms for end customers"),
        ("flow_down_before_keys", "flow_down_renewal_days", "flow_down_address_mails", "flow_down_partner_mails"),
    ),
    (_l("Company details"), ("confirm_details_days", "confirm_grace_days")),
    (_l("People of partners"), ("invitations_a_day",)),
    (_l("Two people for many deletions"), ("deletions_alone", "releases_alone")),
    (_l("End of contract"), ("transition_days", "retrieval_days")),
    (_l("How long things are kept"), ("access_ip_days", "mail_text_days", "refused_sign_up_days", "security_log_days")),
)
