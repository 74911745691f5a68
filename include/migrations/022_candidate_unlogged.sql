-- The working schemas are unlogged: after a crash of the server their tables are empty. The record
-- whose they are goes with them, so that nobody takes them for whole.
alter table ops.working_schemas set unlogged;
