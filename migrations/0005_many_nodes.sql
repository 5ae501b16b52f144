-- One text for SQLite and PostgreSQL, as 0001 says.

-- Numbers that are given out in order. Whoever has counted makes the others wait until its transaction ends, so that a
-- larger number never comes into sight before a smaller one.
create table counter (
    name text primary key,
    value bigint not null
);
insert into counter (name, value) select 'event', coalesce(max(seq), 0) from event;

-- Objects on the shelf that no row names, and since when they have been seen there.
create table orphan (
    object_key text primary key,
    seen_at bigint not null
);
-- Objects that are being taken away: whoever would commit an upload under such a key is refused.
create table tombstone (
    object_key text primary key,
    buried_at bigint not null
);
create index upload_by_object on upload (object_key);
create index ingestion_by_answer on ingestion (answer_key);
