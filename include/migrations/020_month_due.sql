-- A month is also sent when it was let go after a rollback, or when its change was approved and no
-- run waited for that.
alter table ops.month_due drop constraint month_due_because_check;
alter table ops.month_due add constraint month_due_because_check
check (
    because in (
        'gates_opened', 'inputs_changed', 'ended_early', 'never_built', 'released', 'approved'
    )
);
