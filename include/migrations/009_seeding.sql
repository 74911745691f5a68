-- Which seeds the schema seeds holds: a build loads them anew only where they have changed.
create table ops.seeding (
    seeding_id bigint generated always as identity primary key,
    seeds_sha256 text not null,
    seeded_at timestamptz not null default clock_timestamp()
);
