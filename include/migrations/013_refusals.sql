-- Why a delivery could not be read, by a code of seeds.ref_defect and the row where it is known;
-- and the month that the file itself names, in its title or its name.
alter table ops.delivery
add column refusal_code text,
add column refusal_row bigint,
add column stated_period text check (stated_period ~ '^\d{4}-(0[1-9]|1[0-2])$');

-- What could not be loaded by one version of its contract may be by the next.
alter table ops.delivery drop constraint delivery_once,
add constraint delivery_once
unique (kind, county_code, period, sha256, file_name, contract_version);
