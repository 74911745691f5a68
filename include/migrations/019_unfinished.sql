-- A build that is not meant to be published: of a part, or of what was known at an earlier time. It
-- is not taken up again when it does not reach its end (include/unfinished.py).
alter table ops.build add column is_trial boolean not null default false;

-- A month sent again: its build ended early, or the run that was to build it never came.
alter table ops.month_due drop constraint month_due_because_check;
alter table ops.month_due add constraint month_due_because_check
check (because in ('gates_opened', 'inputs_changed', 'ended_early', 'never_built'));

-- Seeds that are being loaded: of neither content until they all are.
alter table ops.seeding alter column seeds_sha256 drop not null;
