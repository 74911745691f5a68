-- Versions of the secret that person keys are made with, by fingerprint: a keyed hash of a
-- constant. Without it a wrong secret would make every person a new one unnoticed.
create table vault.key_version (
    version integer primary key,
    fingerprint text not null unique check (fingerprint ~ '^[0-9a-f]{64}$'),
    state text not null check (state in ('next', 'current', 'retired')),
    begun_at timestamptz not null default clock_timestamp()
);
create unique index key_version_in_force on vault.key_version (state) where state <> 'retired';

-- A rotation of the keys, from one version to the next; one at a time. ``phase`` is what comes
-- next.
create table vault.rotation (
    rotation_id bigint generated always as identity primary key,
    from_version integer not null references vault.key_version,
    to_version integer not null references vault.key_version,
    phase text not null default 'map'
    check (phase in ('map', 'months', 'across', 'files', 'forget', 'done')),
    requested_by text not null,
    reason text not null check (length(trim(reason)) > 0),
    begun_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    check ((phase = 'done') = (ended_at is not null))
);
create unique index rotation_open on vault.rotation ((true)) where ended_at is null;

create table vault.rotation_month (
    rotation_id bigint not null references vault.rotation,
    period text not null,
    versions integer not null,
    changed_rows bigint not null,
    done_at timestamptz not null default clock_timestamp(),
    primary key (rotation_id, period)
);

-- Old key to new key, while the keys are being rotated; empty at all other times.
create table vault.rekeyed (
    old text primary key,
    new text not null
);

-- Numbers of alerts that counties were told before a rotation, as they write them into their clue
-- registers, and the alert they mean by its number now.
create table vault.told_alert (
    told_no text primary key,
    alert_no text not null
);

-- The version in force; 1 until a key was made. As whoever publishes, who reads no vault.
create function ops.key_version() returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(max(version), 1) from vault.key_version where state = 'current'
$$;

-- Under which version's keys a month stands. Months of one version can be joined by person and
-- household; keys of two versions never meet.
alter table ops.publication add column key_version integer not null default 1;
alter table ops.publication alter column key_version set default ops.key_version();

create function marts.key_version(period text) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.key_version
    from ops.publication as p
    where p.period = key_version.period and p.state = 'published'
    order by p.version desc
    limit 1
$$;
