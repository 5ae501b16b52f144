-- What an account proves itself with: keys for a time, authorities that vouch for it, second factors, certificates,
-- and the ways these go together.

-- Microseconds since 1970 in UTC; null is without a beginning, or an end.
alter table account_key add column not_before bigint;
alter table account_key add column not_after bigint;
-- 1: not a key that logs in, but one that signs certificates that do.
alter table account_key add column is_authority bigint not null default 0;

-- `publickey+totp,password+totp`; null is the usual.
alter table account add column auth_methods text;
-- Networks from which the account may speak the legacy algorithms, parted by blanks; null is from nowhere.
alter table account add column legacy_from text;

create table account_totp (
    account_id text primary key references account (id),
    -- Sealed with the master key.
    secret text not null,
    -- The last step of 30 seconds a code was taken for: none is taken twice.
    last_step bigint not null default 0,
    -- Codes in a row that were wrong, and until when no other one is looked at.
    failures bigint not null default 0,
    locked_until bigint not null default 0,
    created_at bigint not null
);

create table account_recovery (
    account_id text not null references account (id),
    code_sha256 text not null,
    primary key (account_id, code_sha256)
);

-- Names in TLS client certificates that stand for the account: `cn:acme`, `dns:erp.acme.example`.
create table account_certificate (
    account_id text not null references account (id),
    name text not null,
    created_at bigint not null,
    primary key (account_id, name)
);
