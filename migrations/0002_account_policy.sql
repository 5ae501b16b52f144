-- An account's own policy, a JSON object of the settings that are not as `[accounts]` has them. Whether it is disabled
-- is one of them. The revision grows with every change of any account, so that a daemon finds what is new.
create table account_policy (
    account_id text primary key references account (id),
    policy text not null,
    revision bigint not null,
    changed_at bigint not null
);
create index account_policy_by_revision on account_policy (revision);

insert into account_policy (account_id, policy, revision, changed_at)
    select id, '{"disabled":true}', 1, created_at from account where disabled <> 0;
alter table account drop column disabled;

-- What holds for every account, as the daemon that ran last had it: the command line on a folder shows it too.
create table account_default (
    id bigint primary key check (id = 1),
    policy text not null,
    listed_micros bigint not null
);

-- An upload that came without an end its sender had declared: 1 until its content has been looked at, 2 when that did
-- not prove it whole. It is held meanwhile.
alter table upload add column unproven bigint not null default 0;
create index upload_unproven on upload (unproven, principal, sha256) where unproven > 0;
