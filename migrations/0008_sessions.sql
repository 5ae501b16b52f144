-- One text for SQLite and PostgreSQL, as 0001 says.

-- Who is inside, on every node: each node tells of its own now and then. A session that is over before it was told of is
-- known by its events alone.
create table live_session (
    id text primary key,
    node_id text not null,
    organisation_id text not null,
    login text not null,
    door text not null,
    address text not null,
    client text,
    started_at bigint not null,
    files bigint not null,
    bytes bigint not null,
    -- Who wants it to end.
    end_by text
);
create index live_session_of_node on live_session (node_id);
create index live_session_by_time on live_session (started_at, id);

/*pg:
alter table live_session enable row level security, force row level security;
create policy scope on live_session using (
    case when (select current_setting('waybill.organisation', true)) = '*' then true
    else organisation_id = (select current_setting('waybill.organisation', true)) end);
*/
