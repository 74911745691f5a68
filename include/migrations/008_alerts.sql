-- What became of an alert after it was raised. Append-only: an alert's state is its last event.
create table ops.alert_event (
    alert_event_id bigint generated always as identity primary key,
    alert_key text not null check (alert_key ~ '^[0-9a-f]{64}$'),
    period text not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    state text not null check (state in ('dispatched', 'checked', 'closed')),
    actor text not null check (length(trim(actor)) > 0),
    result text check (result in ('included', 'not_included', 'already_monitored')),
    reason text,
    at timestamptz not null default clock_timestamp(),
    unique (alert_key, state),
    check ((state = 'checked') = (result is not null)),
    check ((result is not distinct from 'not_included') = (reason is not null))
);

create function ops.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only', tg_table_schema, tg_table_name;
end;
$$;

create trigger alert_event_is_append_only
before update or delete or truncate on ops.alert_event
for each statement execute function ops.refuse_change();
