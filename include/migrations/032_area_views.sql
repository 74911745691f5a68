-- Counties and townships read the marts through views that run as roles of their own, which see
-- the rows of whose areas the reader has. In a view that is a barrier a policy comes before
-- whatever the reader asks; beside a union of the table itself it would not.
create schema marts_county;
create schema marts_township;

-- Of which areas, by their first digits, the session's role reads: those of bi_county_431002 or
-- of bi_township_431002001 that it holds.
create function marts.areas(reader text, digits integer) returns text[]
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
    select array(
        select distinct left(code, digits)
        from (
            select substr(rolname, length('bi_' || reader || '_') + 1) as code
            from pg_roles
            where rolname ~ ('^bi_' || reader || '_[0-9]+$') and pg_has_role(oid, 'usage')
        ) as held
    )
$$;

create function marts.scope(reader text, digits integer) returns jsonb
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_object_agg(code, true), '{}')
    from unnest(marts.areas(reader, digits)) as code
$$;
