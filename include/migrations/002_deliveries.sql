-- One row per distinct content delivered: (kind, county, period, sha256). Never updated.
create table ops.delivery (
    delivery_id bigint generated always as identity primary key,
    source text not null check (source in ('county', 'civil_affairs', 'health_insurance')),
    kind text not null,
    county_code text not null,
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    file_name text not null,
    bytes bigint not null,
    sha256 text not null,
    encoding text,
    row_count bigint not null,
    control_total bigint,
    missing_headers text[] not null default '{}',
    unreadable text,
    contract_version text not null,
    received_at timestamptz not null default clock_timestamp(),
    unique (kind, county_code, period, sha256)
);

-- Each time the bytes arrived. A sender that returns to an earlier version adds an arrival, and
-- loads nothing.
create table ops.arrival (
    arrival_id bigint generated always as identity primary key,
    delivery_id bigint not null references ops.delivery,
    uri text not null,
    modified_at timestamptz,
    received_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (delivery_id, uri, modified_at)
);

-- Great Expectations' word on a delivery, as a whole.
create table ops.acceptance (
    delivery_id bigint primary key references ops.delivery,
    outcome text not null check (outcome in ('accepted', 'rejected')),
    reasons jsonb not null default '[]',
    warnings jsonb not null default '[]',
    decided_at timestamptz not null default clock_timestamp()
);

-- What a build may read.
create view ops.accepted_delivery as
select
    d.delivery_id,
    d.source,
    d.kind,
    d.county_code,
    d.period,
    d.row_count,
    c.decided_at as known_at,
    (
        select max(a.arrival_id)
        from ops.arrival as a
        where a.delivery_id = d.delivery_id
    ) as arrival_id
from ops.delivery as d
inner join ops.acceptance as c on d.delivery_id = c.delivery_id
where c.outcome = 'accepted';
