-- What a source's gate said of a month, each time it said something else (include/readiness.py).
create table ops.readiness (
    readiness_id bigint generated always as identity primary key,
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    source text not null check (source in ('county', 'civil_affairs', 'health_insurance')),
    state text not null check (state in ('waiting', 'open')),
    -- Why it is open: complete, deadline or operator; why it waits: incomplete or below_minimum.
    because text not null,
    usable text[] not null,
    rejected text[] not null,
    missing text[] not null,
    minimum integer not null,
    deadline timestamptz not null,
    decided_at timestamptz not null default clock_timestamp()
);
create index readiness_latest on ops.readiness (period, source, readiness_id);

-- An operator's word that a month is to be built with what has come. No source: all of them.
create table ops.go_ahead (
    go_ahead_id bigint generated always as identity primary key,
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    source text check (source in ('county', 'civil_affairs', 'health_insurance')),
    reason text not null check (length(trim(reason)) > 0),
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp()
);

-- Each month that was sent to be built by itself, and why. ``changed_at`` is when the last thing it
-- answers became known: one build per change, however often the drops are looked at.
create table ops.month_due (
    month_due_id bigint generated always as identity primary key,
    period text not null,
    because text not null check (because in ('gates_opened', 'inputs_changed')),
    deliveries bigint[] not null default '{}',
    changed_at timestamptz not null,
    run_id text not null,
    requested_at timestamptz not null default clock_timestamp(),
    unique (period, changed_at)
);

-- What is shown of a county held back; months published before learn it when they are built again.
alter table if exists marts.county_scorecard
add column if not exists shown_instead_period text,
add column if not exists shown_instead_sent_on date;
alter table if exists archive.county_scorecard
add column if not exists shown_instead_period text,
add column if not exists shown_instead_sent_on date;

-- What people are told: rejections, blocks, lateness, failed tasks. A subject in the same state is
-- told once; ``over`` ends it and is told nobody. No personal value is in it.
create table ops.notice (
    notice_id bigint generated always as identity primary key,
    kind text not null check (kind in ('rejected', 'blocked', 'late', 'failed')),
    subject text not null,
    state text not null,
    period text,
    county_code text,
    what text not null,
    remedy text not null,
    noticed_at timestamptz not null default clock_timestamp(),
    webhook_at timestamptz,
    email_at timestamptz
);
create index notice_latest on ops.notice (subject, notice_id);
