-- Partners' own servers: whose turn it is, what was taken from them, what is sent to them. One text for SQLite and
-- PostgreSQL, as 0001 says.

-- A row for each partner of the settings and each direction. Whoever holds the lease does the work.
create table partner (
    name text not null,
    direction text not null check (direction in ('pull', 'push')),
    owner text,
    fence bigint not null default 0,
    lease_until bigint not null default 0,
    due_at bigint not null,
    -- When an operator last asked for it; it is its turn at once then.
    asked_at bigint not null default 0,
    began_at bigint,
    ended_at bigint,
    -- In a row, and the sentence of the last.
    failures bigint not null default 0,
    failure text,
    -- What the last turn did.
    files bigint not null default 0,
    waiting bigint not null default 0,
    refused bigint not null default 0,
    -- How far answers have been looked for: those published earlier are queued, or were there before the partner was.
    scanned_to bigint not null,
    primary key (name, direction)
);

-- A file on a partner's server. The same path, size and time is the same file, and is taken once.
create table partner_pulled (
    partner text not null,
    path text not null,
    size_bytes bigint not null,
    -- Seconds since 1970 in UTC as the server tells them; -1 where it tells none.
    modified bigint not null,
    state text not null check (state in ('seen', 'taking', 'landed', 'done', 'refused')),
    -- The upload it became, known from its first byte on.
    upload_id text,
    sha256 text,
    reason text,
    seen_at bigint not null,
    -- When it last stood in the listing.
    listed_at bigint not null,
    primary key (partner, path, size_bytes, modified)
);
create index partner_pulled_by_listing on partner_pulled (listed_at);

-- A file on its way to a partner's server.
create table partner_pushed (
    -- Part of the temporary name, so that what lies there under it is ours.
    id text primary key,
    partner text not null,
    -- What it is, so that it is queued once: `answer:<content>:<generation>`, `file:<sha256>:<name>`.
    identity text not null,
    organisation_id text,
    upload_id text,
    name text not null,
    object_key text not null,
    size_bytes bigint not null,
    -- Placing: every byte is there, and the temporary name is about to be given up for `placed_as`.
    state text not null check (state in ('waiting', 'placing', 'sent', 'given_up')),
    placed_as text,
    attempts bigint not null default 0,
    not_before bigint not null default 0,
    reason text,
    queued_at bigint not null,
    sent_at bigint,
    unique (partner, identity)
);
create index partner_pushed_by_object on partner_pushed (object_key);
create index partner_pushed_waiting on partner_pushed (partner, state, not_before);

create index ingestion_by_published on ingestion (published_at);
