-- A build's month is part of its models' statements: what is no month never becomes a build's.
alter table ops.build
add constraint build_period_check check (period ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$');

alter table ops.month_due
add constraint month_due_period_check check (period ~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$');
