-- A publication may restore an earlier version (include/rollback.py): which one, who asked, why
-- (``reason``). ``columns`` are each mart's columns in the order of its hash.
alter table ops.publication
add column restores bigint references ops.publication,
add column requested_by text,
add column columns jsonb not null default '{}',
-- When retention dropped the archived rows; the line stays, with its hashes and difference.
add column dropped_at timestamptz;

-- All publications so far had the columns that their marts have now.
update ops.publication as p
set columns = c.columns
from (
    select jsonb_object_agg(mart, names) as columns
    from (
        select
            t.relname::text as mart,
            jsonb_agg(a.attname::text order by a.attnum) as names
        from pg_class as t
        inner join pg_attribute as a on t.oid = a.attrelid
        where
            t.relnamespace = 'marts'::regnamespace
            and t.relkind = 'r'
            and a.attnum > 0
            and not a.attisdropped
        group by t.relname
    ) as m
) as c
where c.columns is not null and p.state <> 'blocked';

-- What a publication changed against the version it replaced, by mart and county: rows (no column)
-- and rows whose value changed in a column. ``added`` of a column: values in a column that the
-- replaced version did not have yet. Only what is not 0; a first version has added its rows.
create table ops.publication_change (
    publication_id bigint not null references ops.publication on delete cascade,
    mart text not null,
    county_code text,
    column_name text,
    added bigint not null default 0,
    removed bigint not null default 0,
    changed bigint not null default 0,
    unique nulls not distinct (publication_id, mart, county_code, column_name)
);

-- A month that was rolled back is held: nothing is published over it until it is let go.
create table ops.hold (
    hold_id bigint generated always as identity primary key,
    period text not null,
    publication_id bigint not null references ops.publication,
    reason text not null check (length(trim(reason)) > 0),
    held_by text not null,
    held_at timestamptz not null default clock_timestamp(),
    release_reason text check (length(trim(release_reason)) > 0),
    released_by text,
    released_at timestamptz,
    check (num_nulls(release_reason, released_by, released_at) in (0, 3))
);
create unique index hold_in_force on ops.hold (period) where released_at is null;

-- A change of a closed month beyond its limits, and the one answer to it. It is an answer to this
-- content in place of this version: a build that gives the same again needs no other.
create table ops.approval (
    build_id bigint primary key references ops.build,
    period text not null,
    replaces bigint not null references ops.publication,
    content jsonb not null,
    -- [{mart, change, rows, of, limit_rows, limit_share}]
    beyond jsonb not null,
    -- The run of monthly_build that waits for the answer, where Airflow asks.
    run_id text,
    requested_at timestamptz not null default clock_timestamp(),
    answer text check (answer in ('approved', 'refused')),
    reason text check (length(trim(reason)) > 0),
    answered_by text,
    answered_in text check (answered_in in ('cli', 'airflow')),
    answered_at timestamptz,
    check (num_nulls(answer, reason, answered_by, answered_in, answered_at) in (0, 5))
);

-- What the publisher changed of a mart's columns, in the transaction of that publication.
create table ops.mart_change (
    mart_change_id bigint generated always as identity primary key,
    publication_id bigint not null references ops.publication,
    mart text not null,
    column_name text not null,
    change text not null check (change in ('added', 'widened')),
    from_type text,
    to_type text not null,
    check ((change = 'added') = (from_type is null))
);

-- Versions older than a column of their mart: it is null there because nobody has filled it.
create view ops.unfilled_column as
select
    p.publication_id,
    p.period,
    p.version,
    c.mart,
    c.column_name
from ops.publication as p
inner join ops.mart_change as c
    on
        p.marts ? c.mart
        and coalesce(p.restores, p.publication_id) < c.publication_id
where
    p.state = 'published'
    and c.change = 'added'
    and not exists (
        select
        from ops.publication as u
        where
            u.state = 'unchanged'
            and (u.period, u.version) = (p.period, p.version)
            and u.publication_id >= c.publication_id
    );

-- What retention dropped of landing: the delivery's line and rows stay, its bytes are gone.
create table ops.landing_dropped (
    sha256 text primary key,
    bytes bigint not null,
    dropped_at timestamptz not null default clock_timestamp()
);

create table ops.retention (
    retention_id bigint generated always as identity primary key,
    requested_by text not null,
    versions bigint[] not null,
    archived_rows bigint not null,
    files bigint not null,
    bytes bigint not null,
    ran_at timestamptz not null default clock_timestamp()
);
