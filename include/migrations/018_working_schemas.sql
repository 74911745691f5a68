-- Which build wrote the working schemas (staging, spine, core, candidate) last: one row, or none
-- before the first. Written under the lock of include/locks.py.
create table ops.working_schemas (
    only_row boolean primary key default true check (only_row),
    build_id bigint not null,
    begun_at timestamptz not null default clock_timestamp(),
    -- When all of the build stood there; null while dbt is at work, after it failed or was killed,
    -- and where it built a part.
    built_at timestamptz
);
