-- Raw identifiers and their keyed hashes. The secret never enters the database: keys are computed
-- by include/vault.py and only stored here.
create table vault.identifier (
    kind text not null check (kind in ('person', 'household')),
    value text not null,
    key text not null,
    key_version integer not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    primary key (kind, value)
);
create index identifier_key on vault.identifier (kind, key);

-- GB 11643-1999 check digit of the first 17 digits.
create function vault.resident_id_check(first17 text) returns text
language sql immutable strict parallel safe as $$
    select substr('10X98765432', 1 + (
        sum(substr(first17, i, 1)::integer * (array[7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2])[i]) % 11
    )::integer, 1)
    from generate_series(1, 17) as i
$$;

-- One spelling per identifier: NFKC, no blanks or apostrophes, upper case, student prefix G/L off,
-- disability certificates (20 and 22 characters) cut to the ID within, 15 digits made 18.
-- Repairs spelling only; says nothing about validity.
create function vault.normalise_resident_id(raw text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if raw ~ '^[0-9]{17}[0-9X]$' then -- the plain spelling, nearly always
        return raw;
    end if;
    t := regexp_replace(
        regexp_replace(upper(normalize(raw, nfkc)), '[\s''`’]', '', 'g'), '^[GL](?=[0-9]{17}[0-9X]$)', ''
    );
    return case
        when t ~ '^[0-9]{15}$' then
            substr(t, 1, 6) || '19' || substr(t, 7)
            || vault.resident_id_check(substr(t, 1, 6) || '19' || substr(t, 7))
        when t ~ '^[0-9]{17}[0-9X][1-7][1-4]([A-Z][0-9])?$' then substr(t, 1, 18)
        else t
    end;
end
$$;

-- Length, birth date and check digit. The area prefix is no evidence (see docs/architecture.md).
create function vault.is_resident_id(value text) returns boolean
language sql immutable parallel safe as $$
    select coalesce(
        value ~ '^[0-9]{17}[0-9X]$'
        and pg_input_is_valid(substr(value, 7, 8), 'date')
        and substr(value, 7, 4) between '1880' and '2100'
        and substr(value, 18, 1) = vault.resident_id_check(substr(value, 1, 17)),
        false
    )
$$;
