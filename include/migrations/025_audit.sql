-- Who looked at whom, why and when, and who did what to a person's data. Each row bears the hash of
-- the one before it, so a row that is changed, taken out or put in between shows
-- (include/audit.py).
create schema if not exists audit;

-- Whom rows of the chain are about. The chain itself has no person's key in it: when keys are made
-- anew, these lines follow; when a person is erased, his line goes, and nothing leads to him.
create table audit.subject (
    subject uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('person', 'household')),
    key text not null unique check (key ~ '^[0-9a-f]{64}$')
);

create table audit.event (
    seq bigint primary key,
    at timestamptz not null,
    -- The database account (and the role it took on), and who sat before it as the client says.
    account text not null,
    operator text,
    action text not null check (action ~ '^[a-z_]+$'),
    subject uuid,
    purpose text,
    reason text,
    -- Counts, names of objects, outcomes: never a person's name, number or key.
    detail jsonb not null default '{}',
    previous text not null,
    hash text not null unique
);

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end
$$;

create trigger event_is_append_only
before update or delete or truncate on audit.event
for each statement execute function audit.refuse_change();

-- sha256 of the fields, each with its length before it, so that no two rows read the same.
create function audit.hash_of(e audit.event) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select encode(sha256(convert_to(string_agg(
        coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-'), ',' order by n
    ), 'UTF8')), 'hex')
    from unnest(array[
        e.seq::text,
        to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        e.account,
        e.operator,
        e.action,
        e.subject::text,
        e.purpose,
        e.reason,
        e.detail::text,
        e.previous
    ]) with ordinality as fields (field, n)
$$;

create function audit.account() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select session_user || coalesce(' as ' || nullif(current_setting('role', true), 'none'), '')
$$;

-- The one way to write: a row at the end of the chain, in the caller's transaction. Writers take
-- turns until they commit. A reason is free text, so numbers of persons in it are refused.
create function audit.record(
    action text,
    subject_kind text default null,
    subject_key text default null,
    purpose text default null,
    reason text default null,
    detail jsonb default '{}'
) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    written audit.event;
begin
    if reason ~ '[0-9]{9,}' then
        raise exception 'the reason holds a number of a person'
        using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(431025);
    if subject_key is not null then
        insert into audit.subject (kind, key) values (subject_kind, subject_key)
        on conflict (key) do nothing;
        select s.subject into written.subject from audit.subject as s where s.key = subject_key;
    end if;
    select last.seq, last.hash into written.seq, written.previous
    from audit.event as last order by last.seq desc limit 1;
    written.seq := coalesce(written.seq, 0) + 1;
    written.previous := coalesce(written.previous, repeat('0', 64));
    written.at := clock_timestamp();
    written.account := audit.account();
    written.operator := nullif(current_setting('warehouse.operator', true), '');
    written.action := action;
    written.purpose := purpose;
    written.reason := reason;
    written.detail := coalesce(detail, '{}');
    written.hash := audit.hash_of(written);
    insert into audit.event select written.*;
    return written.seq;
end
$$;

-- Where the chain ends, for whoever wrote to it and copies that out of the database.
create function audit.head(out seq bigint, out hash text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select e.seq, e.hash from audit.event as e order by e.seq desc limit 1
$$;

revoke all on schema audit from public;
revoke all on all tables in schema audit from public;
revoke all on all functions in schema audit from public;
