-- A build is a pure function of (period, known_at, seeds, code); this is the record of its inputs.
create table ops.build (
    build_id bigint generated always as identity primary key,
    period text not null,
    known_at timestamptz not null,
    seeds_sha256 text not null,
    code_sha256 text not null,
    opened_at timestamptz not null default clock_timestamp()
);

create table ops.gate_result (
    gate_result_id bigint generated always as identity primary key,
    build_id bigint not null references ops.build,
    suite text not null,
    expectation text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    success boolean not null,
    unexpected_count bigint,
    row_keys jsonb not null default '[]',
    checked_at timestamptz not null default clock_timestamp()
);

create table ops.publication (
    publication_id bigint generated always as identity primary key,
    period text not null,
    version integer not null,
    build_id bigint not null references ops.build,
    state text not null check (state in ('published', 'unchanged', 'blocked')),
    reason text,
    deliveries bigint[] not null default '{}',
    marts jsonb not null default '{}',
    published_at timestamptz not null default clock_timestamp()
);

create table ops.backfill (
    backfill_id bigint generated always as identity primary key,
    from_period text not null,
    to_period text not null,
    reason text not null check (length(trim(reason)) > 0),
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp(),
    airflow_backfills jsonb not null default '[]'
);
