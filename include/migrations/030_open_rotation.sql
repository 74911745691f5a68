-- The rotation of the person keys that was begun and has not ended, for whoever must not run beside
-- one and reads no vault.
create or replace function ops.open_rotation(
    out from_version integer, out to_version integer, out begun_at timestamptz
) returns setof record
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.from_version, r.to_version, r.begun_at from vault.rotation as r where r.ended_at is null
$$;
