-- What a build ran beside its dbt project and seeds (include/kept.py): the code that links persons,
-- and the functions that read cells. Builds from before do not say.
alter table ops.build
add column linkage_sha256 text,
add column functions_sha256 text;

-- What would have been published on the knowledge of a time, in a schema of its own
-- (include/replay.py). ``compared`` are counts per mart, against then and against now.
create table ops.replay (
    replay_id bigint generated always as identity primary key,
    schema_name text not null unique,
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    known_at timestamptz not null,
    code_sha256 text not null,
    seeds_sha256 text not null,
    deliveries bigint[] not null,
    compared jsonb not null,
    requested_by text not null,
    replayed_at timestamptz not null default clock_timestamp()
);
