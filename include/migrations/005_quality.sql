-- Figures of the deliveries judged last and other working tables of the gates: counts and shares,
-- no values.
create schema if not exists quality;

-- What the gate saw, per mart {rows, sha256}; the publisher refuses a candidate that has changed
-- since.
alter table ops.build add column candidate jsonb;
