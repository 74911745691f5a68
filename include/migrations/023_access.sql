-- Who holds which role, given by whom; include/access makes pg_auth_members agree with it.
create table ops.access_grant (
    access_grant_id bigint generated always as identity primary key,
    role text not null,
    account text not null,
    granted_by text not null,
    granted_at timestamptz not null default clock_timestamp(),
    revoked_by text,
    revoked_at timestamptz,
    check ((revoked_by is null) = (revoked_at is null))
);
create unique index access_grant_in_force on ops.access_grant (role, account)
where revoked_at is null;
