-- One text for SQLite and PostgreSQL. Times are microseconds since 1970 in UTC; amounts are text (exact)
-- with a scaled twin for filters; truth values are 0 and 1; ids are prefixed ULIDs.

create table organisation (
    id text primary key,
    name text not null unique,
    kind text not null check (kind in ('payer', 'supplier')),
    created_at bigint not null
);

create table account (
    id text primary key,
    organisation_id text not null references organisation (id),
    login text not null unique,
    password_hash text,
    disabled bigint not null default 0,
    created_at bigint not null
);

create table account_key (
    account_id text not null references account (id),
    fingerprint text not null,
    public_key text not null,
    comment text not null,
    created_at bigint not null,
    primary key (account_id, fingerprint)
);

-- A token without an organisation is an operator's.
create table token (
    id text primary key,
    organisation_id text references organisation (id),
    name text not null,
    secret_sha256 text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

-- Feed profiles; an empty organisation_id is for everybody. Every change is a new version.
create table profile (
    organisation_id text not null,
    name text not null,
    version bigint not null,
    text text not null,
    created_at bigint not null,
    primary key (organisation_id, name, version)
);

create table node (
    id text primary key,
    boot_epoch bigint not null,
    kernel_boot text not null,
    seen_at bigint not null
);

create table upload (
    id text primary key,
    organisation_id text not null references organisation (id),
    -- Whose /drop it is in: an account's id, or the organisation's id for uploads over the API.
    principal text not null,
    login text not null,
    door text not null,
    session_id text,
    name text not null,
    state text not null check (state in ('receiving', 'committed', 'aborted', 'failed')),
    node_id text not null,
    boot_epoch bigint not null,
    -- 1 while what has arrived is one run from byte 0, so that a broken-off upload can be resumed.
    resumable bigint not null,
    size_bytes bigint not null default 0,
    sha256 text,
    object_key text,
    content_id text,
    version bigint not null default 0,
    listed bigint not null default 1,
    answer_listed bigint not null default 1,
    opened_at bigint not null,
    committed_at bigint
);
create index upload_in_drop on upload (principal, name, state, version);
create index upload_by_time on upload (organisation_id, committed_at);
create index upload_by_committed on upload (committed_at);
create index upload_open on upload (state, node_id);
create index upload_of_content on upload (content_id);

-- The identity of an effect: the same bytes from the same sender are one effect.
create table content (
    id text primary key,
    organisation_id text not null,
    principal text not null,
    sha256 text not null,
    size_bytes bigint not null,
    unique (organisation_id, principal, sha256, size_bytes)
);

create table job (
    upload_id text primary key references upload (id),
    state text not null check (state in ('ready', 'held', 'running', 'done', 'duplicate', 'set_aside')),
    owner text,
    fence bigint not null default 0,
    lease_until bigint not null default 0,
    attempts bigint not null default 0,
    not_before bigint not null default 0,
    reason text
);
create index job_waiting on job (state, not_before);

-- Which attempt's rows of a content are the visible ones.
create table ingestion (
    content_id text primary key references content (id),
    upload_id text not null,
    active_gen bigint not null,
    format text not null,
    format_version text,
    encoding text,
    profile text,
    documents bigint not null,
    -- Documents without errors of their own.
    accepted bigint not null,
    errors bigint not null,
    warnings bigint not null,
    answer_suffix text not null,
    answer_key text not null,
    answer_bytes bigint not null,
    published_at bigint not null
);

create table document (
    id text not null,
    content_id text not null,
    gen bigint not null,
    ordinal bigint not null,
    organisation_id text not null,
    upload_id text not null,
    received_at bigint not null,
    kind text not null,
    number text,
    currency text,
    payable text,
    -- The payable amount times 10,000, rounded: for filters only.
    payable_e4 bigint,
    issue_date text,
    due_date text,
    purchase_order text,
    seller text,
    buyer text,
    status text,
    format text not null,
    errors bigint not null,
    line bigint not null,
    body text not null,
    primary key (content_id, gen, ordinal)
);
create index document_by_id on document (id);
create index document_by_time on document (organisation_id, received_at, upload_id, ordinal);
create index document_by_number on document (organisation_id, number);

create table finding (
    content_id text not null,
    gen bigint not null,
    ordinal bigint not null,
    severity text not null,
    code text not null,
    rule text,
    message text not null,
    fix text not null,
    byte bigint not null,
    line bigint not null,
    path text not null,
    length bigint not null,
    field text,
    value text,
    excerpt text,
    document_ordinal bigint,
    primary key (content_id, gen, ordinal)
);

create table event (
    seq bigint primary key,
    ts bigint not null,
    kind text not null,
    severity bigint not null,
    organisation_id text,
    session_id text,
    upload_id text,
    login text,
    code text,
    message text not null,
    envelope text not null
);
create index event_of_upload on event (upload_id, seq);
create index event_of_organisation on event (organisation_id, seq);
create index event_by_time on event (ts);

-- What a REST client has already sent under an Idempotency-Key.
create table idempotency (
    principal text not null,
    idempotency_key text not null,
    request_sha256 text not null,
    upload_id text,
    created_at bigint not null,
    primary key (principal, idempotency_key)
);
