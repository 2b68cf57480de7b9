"""The first tables. Written as SQL, because a migration generated from models loses its CHECK constraints."""

TABLES = """
CREATE TABLE partner (
    id {pk},
    public_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    parent_id BIGINT REFERENCES partner (id),
    legal_name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    register_number TEXT NOT NULL,
    vat_id TEXT NOT NULL,
    country TEXT NOT NULL,
    street TEXT NOT NULL,
    postcode TEXT NOT NULL,
    city TEXT NOT NULL,
    phone TEXT NOT NULL,
    created_at {at} NOT NULL,
    applied_at {at},
    decided_at {at},
    decision_note TEXT NOT NULL,
    CHECK (kind IN ('channel_partner', 'distributor', 'distributor_partner')),
    CHECK (state IN ('draft', 'applied', 'query', 'active', 'suspended', 'closing', 'closed', 'refused', 'barred'))
);

CREATE TABLE "member" (
    id {pk},
    public_id TEXT NOT NULL UNIQUE,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    job_title TEXT NOT NULL,
    role TEXT NOT NULL,
    relation TEXT NOT NULL,
    declared_authority BOOLEAN NOT NULL,
    password_hash TEXT NOT NULL,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    access_until_on DATE,
    email_confirmed_at {at},
    created_at {at} NOT NULL,
    CHECK (role IN ('admin', 'staff', 'viewer')),
    CHECK (relation IN ('employee', 'contractor', 'agent'))
);

CREATE TABLE detail_query (
    id {pk},
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    field TEXT NOT NULL,
    note TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at {at} NOT NULL,
    value_before TEXT NOT NULL,
    value_after TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at {at}
);

CREATE TABLE sign_up_draft (
    id {pk},
    token_hash TEXT NOT NULL UNIQUE,
    details TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at {at} NOT NULL,
    changed_at {at} NOT NULL,
    expires_at {at} NOT NULL
);

CREATE TABLE "operator" (
    id {pk},
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    "right" TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    locale TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at {at} NOT NULL,
    CHECK ("right" IN ('support', 'manager', 'owner'))
);

CREATE TABLE "session" (
    id {pk},
    token_hash TEXT NOT NULL UNIQUE,
    member_id BIGINT REFERENCES "member" (id),
    operator_id BIGINT REFERENCES "operator" (id),
    created_at {at} NOT NULL,
    last_seen_at {at} NOT NULL,
    expires_at {at} NOT NULL,
    ended_at {at},
    end_reason TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    CHECK ((member_id IS NULL) <> (operator_id IS NULL))
);

CREATE TABLE one_time_link (
    id {pk},
    purpose TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    member_id BIGINT REFERENCES "member" (id),
    operator_id BIGINT REFERENCES "operator" (id),
    created_at {at} NOT NULL,
    expires_at {at} NOT NULL,
    used_at {at},
    CHECK ((member_id IS NULL) <> (operator_id IS NULL))
);

CREATE TABLE attempt (
    id {pk},
    subject TEXT NOT NULL UNIQUE,
    failures INTEGER NOT NULL,
    window_until {at} NOT NULL,
    CHECK (failures >= 0)
);

CREATE TABLE terms_version (
    id {pk},
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    requires_acceptance BOOLEAN NOT NULL,
    change_summary TEXT NOT NULL,
    author TEXT NOT NULL,
    approver TEXT NOT NULL,
    published_at {at},
    effective_at {at},
    UNIQUE (kind, label, language),
    CHECK (state IN ('draft', 'approved', 'published', 'superseded'))
);

CREATE TABLE acceptance (
    id {pk},
    version_id BIGINT NOT NULL REFERENCES terms_version (id),
    sha256 TEXT NOT NULL,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    partner_name TEXT NOT NULL,
    register_number TEXT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES "member" (id),
    member_name TEXT NOT NULL,
    member_email TEXT NOT NULL,
    member_role TEXT NOT NULL,
    declared_authority BOOLEAN NOT NULL,
    method TEXT NOT NULL,
    accepted_at {at} NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    session_hash TEXT NOT NULL,
    shown TEXT NOT NULL,
    request_id TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE contract (
    id {pk},
    public_id TEXT NOT NULL UNIQUE,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    parent_id BIGINT REFERENCES contract (id),
    number TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    reserved_bytes BIGINT NOT NULL,
    allocated_bytes BIGINT NOT NULL,
    used_bytes BIGINT NOT NULL,
    measured_at {at},
    allow_overdraft BOOLEAN NOT NULL,
    price_cents TEXT NOT NULL,
    excess_price_cents TEXT NOT NULL,
    egress_price_cents TEXT NOT NULL,
    currency TEXT NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    notice_days INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at {at} NOT NULL,
    UNIQUE (id, partner_id),
    CHECK (kind IN ('reserved', 'pay_per_use')),
    CHECK (state IN ('draft', 'active', 'expired', 'terminated')),
    CHECK (reserved_bytes >= 0),
    CHECK (allocated_bytes >= 0),
    CHECK (allow_overdraft OR kind = 'pay_per_use' OR allocated_bytes <= reserved_bytes),
    CHECK (ends_on IS NULL OR ends_on >= starts_on)
);

CREATE TABLE allocation_entry (
    id {pk},
    contract_id BIGINT NOT NULL REFERENCES contract (id),
    sub_account_id BIGINT,
    child_contract_id BIGINT REFERENCES contract (id),
    before_bytes BIGINT NOT NULL,
    after_bytes BIGINT NOT NULL,
    actor TEXT NOT NULL,
    at {at} NOT NULL,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    batch TEXT NOT NULL,
    CHECK (cause IN ('opened', 'changed', 'undone', 'closed')),
    CHECK ((sub_account_id IS NULL) <> (child_contract_id IS NULL)),
    CHECK (before_bytes >= 0 AND after_bytes >= 0)
);

CREATE TABLE region (
    id {pk},
    name TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    s3_region TEXT NOT NULL,
    hard_quota TEXT NOT NULL,
    quota_delay_seconds INTEGER,
    last_ok_at {at},
    failing_since_at {at},
    enforced_at {at},
    failures INTEGER NOT NULL,
    retry_at {at},
    last_error TEXT NOT NULL
);

CREATE TABLE customer (
    id {pk},
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    created_at {at} NOT NULL,
    UNIQUE (id, partner_id),
    UNIQUE (partner_id, name_key)
);

CREATE TABLE sub_account (
    id {pk},
    public_id TEXT NOT NULL UNIQUE,
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    contract_id BIGINT NOT NULL REFERENCES contract (id),
    customer_id BIGINT NOT NULL REFERENCES customer (id),
    region_id BIGINT NOT NULL REFERENCES region (id),
    number TEXT NOT NULL UNIQUE,
    remote_uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    contact_name TEXT NOT NULL,
    contact_email TEXT NOT NULL,
    billing TEXT NOT NULL,
    allow_overdraft BOOLEAN NOT NULL,
    allocated_bytes BIGINT NOT NULL,
    wanted_state TEXT NOT NULL,
    delete_after_at {at},
    created_at {at} NOT NULL,
    generation INTEGER NOT NULL,
    observed_generation INTEGER NOT NULL,
    observed_state TEXT NOT NULL,
    observed_quota_bytes BIGINT,
    in_force_bytes BIGINT,
    observed_at {at},
    used_bytes BIGINT NOT NULL,
    object_count BIGINT NOT NULL,
    measured_at {at},
    writable BOOLEAN NOT NULL,
    enforced_at {at},
    enforce_next_at {at},
    phase TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at {at} NOT NULL,
    lease_owner TEXT NOT NULL,
    lease_until_at {at},
    deadline_at {at},
    last_error TEXT NOT NULL,
    FOREIGN KEY (contract_id, partner_id) REFERENCES contract (id, partner_id),
    FOREIGN KEY (customer_id, partner_id) REFERENCES customer (id, partner_id),
    CHECK (billing IN ('reserved', 'pay_per_use')),
    CHECK (wanted_state IN ('active', 'suspended', 'deleted')),
    CHECK (phase IN ('pending', 'provisioning', 'ready', 'updating', 'waiting_capacity', 'suspending', 'suspended',
        'deleting', 'deleted', 'attention')),
    CHECK (allocated_bytes >= 0),
    CHECK (used_bytes >= 0 AND object_count >= 0),
    CHECK (observed_generation <= generation),
    CHECK (billing = 'reserved' OR allocated_bytes = 0)
);

CREATE TABLE flow_down (
    id {pk},
    sub_account_id BIGINT NOT NULL REFERENCES sub_account (id),
    version_id BIGINT NOT NULL REFERENCES terms_version (id),
    way TEXT NOT NULL,
    reference TEXT NOT NULL,
    agreed_on DATE NOT NULL,
    attested_by TEXT NOT NULL,
    attested_at {at} NOT NULL,
    CHECK (way IN ('attested', 'accepted'))
);

CREATE TABLE access_key (
    id {pk},
    sub_account_id BIGINT NOT NULL REFERENCES sub_account (id),
    access_key_id TEXT UNIQUE,
    origin TEXT NOT NULL,
    wanted TEXT NOT NULL,
    phase TEXT NOT NULL,
    secret_ct TEXT,
    retained_ct TEXT,
    revealed_at {at},
    revealed_by TEXT NOT NULL,
    reveal_session_hash TEXT NOT NULL,
    stored_at {at},
    created_at {at} NOT NULL,
    created_by TEXT NOT NULL,
    CHECK (origin IN ('initial', 'rotation')),
    CHECK (wanted IN ('active', 'inactive', 'deleted')),
    CHECK (phase IN ('pending', 'live', 'inactive', 'deleted', 'attention')),
    CHECK (retained_ct IS NULL OR origin = 'initial')
);

CREATE TABLE usage_day (
    id {pk},
    sub_account_id BIGINT NOT NULL REFERENCES sub_account (id),
    day_on DATE NOT NULL,
    samples INTEGER NOT NULL,
    sum_bytes BIGINT NOT NULL,
    average_bytes BIGINT NOT NULL,
    peak_bytes BIGINT NOT NULL,
    last_bytes BIGINT NOT NULL,
    allocated_bytes BIGINT NOT NULL,
    measured_at {at} NOT NULL,
    UNIQUE (sub_account_id, day_on),
    CHECK (average_bytes >= 0 AND peak_bytes >= average_bytes AND allocated_bytes >= 0 AND samples > 0)
);

CREATE TABLE mail (
    id {pk},
    template TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    "text" TEXT NOT NULL,
    html TEXT NOT NULL,
    attachment_name TEXT NOT NULL,
    attachment TEXT NOT NULL,
    private BOOLEAN NOT NULL,
    created_at {at} NOT NULL,
    sent_at {at},
    attempts INTEGER NOT NULL,
    next_attempt_at {at} NOT NULL,
    last_error TEXT NOT NULL
);

CREATE TABLE one_time_key (
    id {pk},
    principal TEXT NOT NULL,
    "key" TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at {at} NOT NULL,
    UNIQUE (principal, key)
);

CREATE TABLE audit_event (
    id {pk},
    at {at} NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    partner_id BIGINT REFERENCES partner (id),
    action TEXT NOT NULL,
    thing_kind TEXT NOT NULL,
    thing_id TEXT NOT NULL,
    before TEXT,
    after TEXT,
    source TEXT NOT NULL,
    ip TEXT NOT NULL,
    request_id TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
"""

INDEXES = """
CREATE INDEX partner_state_idx ON partner (state, applied_at);
CREATE INDEX partner_name_key_idx ON partner (name_key);
CREATE INDEX member_partner_idx ON member (partner_id);
CREATE INDEX detail_query_partner_idx ON detail_query (partner_id);
CREATE INDEX sign_up_draft_expires_idx ON sign_up_draft (expires_at);
CREATE INDEX session_member_idx ON session (member_id);
CREATE INDEX session_operator_idx ON session (operator_id);
CREATE INDEX one_time_link_member_idx ON one_time_link (member_id);
CREATE INDEX attempt_window_idx ON attempt (window_until);
CREATE INDEX acceptance_member_idx ON acceptance (member_id, version_id);
CREATE INDEX acceptance_partner_idx ON acceptance (partner_id);
CREATE INDEX contract_partner_idx ON contract (partner_id, state);
CREATE INDEX allocation_entry_contract_idx ON allocation_entry (contract_id, id);
CREATE INDEX allocation_entry_batch_idx ON allocation_entry (batch);
CREATE INDEX allocation_entry_sub_account_idx ON allocation_entry (sub_account_id, id);
CREATE INDEX sub_account_list_idx ON sub_account (partner_id, name_key, id);
CREATE INDEX sub_account_used_idx ON sub_account (partner_id, used_bytes, id);
CREATE INDEX sub_account_allocated_idx ON sub_account (partner_id, allocated_bytes, id);
CREATE UNIQUE INDEX sub_account_name_idx ON sub_account (partner_id, name_key) WHERE wanted_state <> 'deleted';
CREATE INDEX sub_account_contract_idx ON sub_account (contract_id, name_key, id);
CREATE INDEX sub_account_due_idx ON sub_account (next_attempt_at);
CREATE INDEX sub_account_measured_idx ON sub_account (region_id, measured_at);
CREATE INDEX sub_account_customer_idx ON sub_account (customer_id);
CREATE INDEX flow_down_sub_account_idx ON flow_down (sub_account_id, id);
CREATE INDEX access_key_sub_account_idx ON access_key (sub_account_id);
CREATE INDEX sub_account_enforce_idx ON sub_account (region_id, enforce_next_at);
CREATE INDEX mail_due_idx ON mail (sent_at, next_attempt_at);
CREATE INDEX audit_event_partner_idx ON audit_event (partner_id, id);
CREATE INDEX audit_event_thing_idx ON audit_event (thing_kind, thing_id, id);
CREATE INDEX one_time_key_created_idx ON one_time_key (created_at);
"""

TYPES = {
    "sqlite": {"pk": "INTEGER PRIMARY KEY AUTOINCREMENT", "at": "TEXT"},
    "postgres": {"pk": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "at": "TIMESTAMP"},
}


def statements(text, engine):
    filled = text.replace("{pk}", TYPES[engine]["pk"]).replace("{at}", TYPES[engine]["at"])
    return [statement.strip() for statement in filled.split(";") if statement.strip()]


def up(migrator, db):
    engine = "sqlite" if type(migrator).__name__ == "SqliteMigrator" else "postgres"
    for statement in statements(TABLES, engine) + statements(INDEXES, engine):
        db.execute_sql(statement)


def down(migrator, db):
    for line in reversed(TABLES.splitlines()):
        if line.startswith("CREATE TABLE"):
            db.execute_sql("DROP TABLE " + line.removeprefix("CREATE TABLE ").removesuffix(" ("))
