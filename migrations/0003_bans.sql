-- One text for SQLite and PostgreSQL, as 0001 says.

-- Addresses and networks that are kept out. A row outlives its ban for as long as a further one would be longer
-- for it.
create table ban (
    -- Canonical, as domain::Network writes it.
    network text primary key,
    source text not null check (source in ('automatic', 'operator')),
    reason text not null,
    -- How many automatic bans in a row this is; 0 for an operator's.
    in_a_row bigint not null,
    since_at bigint not null,
    -- Null: until it is lifted.
    until_at bigint,
    lifted_at bigint,
    -- Grows with every change of the table: nodes look at the largest.
    revision bigint not null
);
create index ban_by_revision on ban (revision);
create index ban_by_end on ban (source, until_at);
