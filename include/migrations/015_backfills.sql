-- What became of a request to build past months again (include/backfill/): who asked, for what, by
-- which rule it was refused, or how it ended. Requests of before are settled by Airflow's record.
alter table ops.backfill drop constraint backfill_reason_check;
alter table ops.backfill
alter column airflow_backfills set default '{}',
add column source text,
add column county_code text,
add column cascades boolean not null default true,
add column state text not null default 'requested'
check (state in ('requested', 'running', 'done', 'failed', 'refused')),
add column refused_by text,
add column failure text,
add column ended_at timestamptz,
add check ((state = 'refused') = (refused_by is not null)),
add check (state = 'refused' or length(trim(reason)) > 0);

-- The publications that a backfill led to: of its own months, and of later ones that read them.
create table ops.backfill_publication (
    backfill_id bigint not null references ops.backfill,
    publication_id bigint not null references ops.publication,
    is_cascaded boolean not null,
    primary key (backfill_id, publication_id)
);

-- Publications that leave out deliveries which a backfill without cascade brought to other months.
-- A month is stale while its last publication is marked: the next one knows the deliveries.
create table ops.stale_publication (
    publication_id bigint not null references ops.publication,
    backfill_id bigint not null references ops.backfill,
    deliveries bigint[] not null,
    marked_at timestamptz not null default clock_timestamp(),
    primary key (publication_id, backfill_id)
);

alter table if exists marts.county_scorecard add column if not exists stale_since date;
alter table if exists archive.county_scorecard add column if not exists stale_since date;
