-- One text for SQLite and PostgreSQL, as 0001 says.

-- Numbers that are given out in order. Whoever has counted makes the others wait until its transaction ends, so that a
-- larger number never comes into sight before a smaller one.
create table counter (
    name text primary key,
    value bigint not null
);
insert into counter (name, value) select 'event', coalesce(max(seq), 0) from event;
