-- What a person may ask of us: to have something put right by its sender, and to be erased. What
-- stays here of a person who was erased are counts, hashes of files and marts, and keyed hashes of
-- his numbers, so that he does not come back with the next delivery.
create table ops.erasure (
    erasure_id bigint generated always as identity primary key,
    -- How far it has come; each step may be taken again.
    state text not null default 'ordered'
    check (state in ('ordered', 'database', 'files', 'vacuumed', 'done')),
    basis text not null,
    reason text not null check (length(trim(reason)) > 0),
    ordered_by text not null,
    ordered_at timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    proof jsonb not null default '{}',
    check ((state = 'done') = (done_at is not null))
);
create unique index erasure_at_work on ops.erasure ((true)) where state <> 'done';

-- Keyed hashes of numbers whose rows are not taken in any more (include/subject/suppression.py);
-- beside them one of a constant, which tells whether a secret is the one they were made with.
create table ops.suppressed (
    hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
    holds text not null
    check (
        holds in ('resident_id', 'household_no', 'system_no', 'bank_no', 'certificate', 'check')
    ),
    erasure_id bigint not null references ops.erasure
);

-- What is being looked for, until the erasure is done; then there is nothing here.
create table vault.erasure_token (
    erasure_id bigint not null references ops.erasure,
    holds text not null,
    value text not null,
    primary key (erasure_id, holds, value)
);

-- Where something was removed: rows, and cells of others' rows that named the person.
create table ops.erasure_place (
    erasure_id bigint not null references ops.erasure,
    place text not null,
    removed bigint not null default 0,
    blanked bigint not null default 0,
    primary key (erasure_id, place)
);

-- The deliveries that held the person; also those that came after the erasure and were caught.
create table ops.erasure_delivery (
    erasure_id bigint not null references ops.erasure,
    delivery_id bigint not null references ops.delivery deferrable initially deferred,
    removed bigint not null,
    blanked bigint not null,
    is_caught boolean not null default false,
    at timestamptz not null default clock_timestamp(),
    primary key (erasure_id, delivery_id)
);

-- Landed files whose bytes were replaced by a copy of what is still loaded of them, or dropped
-- (null): sha256 is that of the bytes as they came.
create table ops.redaction (
    sha256 text primary key,
    redacted_sha256 text,
    redacted_bytes bigint,
    erasure_id bigint not null references ops.erasure,
    redacted_at timestamptz not null default clock_timestamp()
);

-- Publications whose rows are fewer by an erasure: their hashes before and since.
create table ops.erasure_publication (
    erasure_id bigint not null references ops.erasure,
    publication_id bigint not null references ops.publication,
    mart text not null,
    removed bigint not null,
    sha256_before text not null,
    sha256_after text not null,
    primary key (erasure_id, publication_id, mart)
);

alter table ops.notice drop constraint notice_kind_check, add constraint notice_kind_check
check (kind in ('rejected', 'blocked', 'late', 'failed', 'correction'));

-- What a person says is wrong, on its way to who sent it and back. The text names no person: which
-- row it is about, the sender sees by delivery and row.
create table ops.correction (
    correction_id bigint generated always as identity primary key,
    subject uuid,
    delivery_id bigint not null references ops.delivery,
    row_no bigint not null,
    column_name text not null,
    what text not null check (length(trim(what)) > 0 and what !~ '[0-9]{9,}'),
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp(),
    due_on date not null,
    sent_at timestamptz,
    answer text check (answer in ('corrected', 'refused')),
    answer_reason text check (length(trim(answer_reason)) > 0),
    answered_by text,
    answered_at timestamptz,
    check (num_nulls(answer, answer_reason, answered_by, answered_at) in (0, 4))
);

-- The duty's own account is the bureau's case desk and sees the whole city; people's accounts see
-- the counties whose marts they may read.
create or replace function person.may_see(county text) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select person.who() = 'case_worker'
        or coalesce(bool_or(pg_has_role(person.who()::name, r.oid, 'member')), false)
    from pg_roles as r
    where r.rolname in ('bi_city', 'privacy_officer', 'bi_county_' || county)
$$;
