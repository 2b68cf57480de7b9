"""Whoever changes something leaves a row in the trail (T3): each function that opens a write transaction comes to
`record`, or stands here with the reason why not."""

import ast

from tests.house import source

RECORDS = {"services.audit.record", "services.audit.record_many"}
# what is no change of anybody's by somebody, function by function
WITHOUT: dict[str, str] = {
    **dict.fromkeys(
        ("blueprints.language.choose",),
        "a wish of this browser's, of nobody's account",
    ),
    **dict.fromkeys(
        ("services.allocation.rehearse",),
        "leaves nothing behind",
    ),
    **dict.fromkeys(
        (
            "services.archive.purge",
            "services.housekeeping._pages",
            "services.housekeeping._shortened",
        ),
        "what law no longer keeps; the purge's report says how many rows",
    ),
    **dict.fromkeys(
        (
            "services.attempts.count",
            "services.attempts.count_of_network",
            "services.attempts.forgive",
            "services.attempts.tidy",
            "services.signup.confirmation._refuse_wrong_password",
            "services.signup.drafts._refuse_many",
        ),
        "counters of guesses",
    ),
    **dict.fromkeys(
        (
            "services.attention_mails._forget_settled",
            "services.attention_mails._tell_of",
            "services.flow_down_links.write_waiting",
            "services.console_log_in.send_reset",
            "services.new_devices.tell",
            "services.notice_mails.send_due",
        ),
        "that a mail was written stands in the outbox",
    ),
    **dict.fromkeys(
        (
            "services.mail_sending._claim",
            "services.mail_sending._mark_sent",
            "services.mail_sending._postpone",
        ),
        "the state of a mail stands in the outbox",
    ),
    **dict.fromkeys(
        ("services.consent._keep_once",),
        "kept in the chain of evidence",
    ),
    **dict.fromkeys(
        (
            "services.drift._begin",
            "services.drift._give_up",
            "services.drift_findings.count_scan",
            "services.key_use.look",
            "services.purging._note_first_look",
            "services.purging._save",
            "services.purging._save_page",
        ),
        "how far a look at the storage service has come",
    ),
    **dict.fromkeys(
        (
            "services.enforcement._plan",
            "services.flow_down_keys.let_go_all",
            "services.key_making._keep",
            "services.key_switching._parked",
            "services.provisioning._reserve",
        ),
        "makes the storage follow what is in the trail already",
    ),
    **dict.fromkeys(
        (
            "services.erasure._keep_evidence",
            "services.erasure._mails_go",
        ),
        "a step of an erasure, which begins and ends in the trail",
    ),
    **dict.fromkeys(
        (
            "services.kept_forms.forget",
            "services.kept_forms.keep",
            "services.kept_forms.tidy",
            "services.signup.drafts.forget",
            "services.signup.drafts.keep_company",
            "services.signup.drafts.keep_person",
        ),
        "what somebody typed, until they go on; nothing was decided",
    ),
    **dict.fromkeys(
        (
            "services.leases.hold",
            "services.leases.make_due",
            "services.leases.note",
            "services.leases.release",
            "services.leases.take",
        ),
        "who of the workers is at it",
    ),
    **dict.fromkeys(
        (
            "services.console_log_in._renew_hash",
            "services.log_in._renew_hash",
        ),
        "the password stays what it is",
    ),
    **dict.fromkeys(
        ("services.notices.note_reading",),
        "that it was opened; acknowledging is in the trail",
    ),
    **dict.fromkeys(
        (
            "services.passkeys._challenge",
            "services.passkeys._count_up",
            "services.passkeys._taken",
            "services.passkeys.tidy",
            "services.recovery_codes.burn",
            "services.sso_sign_in._lead",
            "services.sso_sign_in._taken",
            "services.sso_sign_in.tidy",
            "services.sso_sign_in._lead",
            "services.sso_sign_in._taken",
            "services.sso_sign_in.tidy",
            "services.totp.begin",
            "services.totp.matches",
            "services.trusted_devices.recognised",
        ),
        "a step of a proof; the session that it ends in is in the trail",
    ),
    **dict.fromkeys(
        (
            "services.regions._save",
            "services.regions.describe",
            "services.regions.enrol",
            "services.regions.note_answer",
        ),
        "what the storage service says of itself",
    ),
    **dict.fromkeys(
        ("services.rekey._seal_page",),
        "the command leaves one row for all pages",
    ),
    **dict.fromkeys(
        (
            "services.remote_names.own_prefix",
            "services.start_up.fit_keys",
        ),
        "made once, when it is first needed",
    ),
    **dict.fromkeys(
        (
            "services.console_sessions.touch",
            "services.sessions.touch",
        ),
        "a sign of life",
    ),
    **dict.fromkeys(
        (
            "services.usage._plan",
            "services.usage._take",
            "services.usage_keeping._tidied",
            "services.usage_keeping.keep_all",
            "services.usage_keeping.sum_up",
            "services.usage_traffic.keep",
        ),
        "measurements",
    ),
}


def functions() -> dict[str, ast.FunctionDef]:
    """By module and name; functions within functions belong to the outer one."""
    found = {}
    for path in source.product_files():
        module = source.module(path)
        if module.split(".")[0] in ("services", "blueprints"):
            tree = source.tree(path)
            inner = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
            for node in [*tree.body, *(one for body in inner for one in body)]:
                if isinstance(node, ast.FunctionDef):
                    found[f"{module}.{node.name}"] = node
    return found


def known_names(module: str) -> dict[str, str]:
    """What the module's own names stand for: its functions, imported functions and modules, by their whole names."""
    path = next(path for path in source.product_files() if source.module(path) == module)
    names = {}
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.FunctionDef):
            names.setdefault(node.name, f"{module}.{node.name}")
    return names


def used(node: ast.AST, names: dict[str, str]) -> set[str]:
    """Whole names of the functions that are called or handed on, as in `tried(act, "…", lambda: tell(act))`."""
    found = {names[one.id] for one in ast.walk(node) if isinstance(one, ast.Name) and one.id in names}
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id in names:
            found.add(f"{names[one.value.id]}.{one.attr}")
    return found


def opens_a_transaction(node: ast.FunctionDef) -> bool:
    return any(
        isinstance(item.context_expr, ast.Call) and getattr(item.context_expr.func, "id", "") == "write_tx"
        for one in ast.walk(node)
        if isinstance(one, ast.With)
        for item in one.items
    )


def silent() -> set[str]:
    """Functions that open a transaction and never come to `record`."""
    nodes = functions()
    modules = {name.rpartition(".")[0] for name in nodes}
    names = {module: known_names(module) for module in modules}
    uses = {name: used(node, names[name.rpartition(".")[0]]) for name, node in nodes.items()}
    reached = set(RECORDS)
    while more := {name for name, others in uses.items() if name not in reached and others & reached}:
        reached |= more
    return {name for name, node in nodes.items() if opens_a_transaction(node) and name not in reached}


def test_whoever_writes_leaves_a_row_or_is_named_here():
    found = silent()
    assert sorted(found - set(WITHOUT)) == [], "call audit.record in its transaction, or say in WITHOUT why not"
    assert sorted(set(WITHOUT) - found) == [], "these leave a row, or are gone"


def test_each_reason_says_something():
    assert all(len(reason) > 10 for reason in WITHOUT.values())
