-- The same answers as in 004, in a third of the time: each load and each verdict asks this of every
-- person's row. Bytes instead of a set of digits; and in PL/pgSQL what comes first is tried first.
create or replace function vault.resident_id_check(first17 text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    b bytea := convert_to(first17, 'UTF8');
begin
    return substr('10X98765432', 1 + (
        (get_byte(b, 0) - 48) * 7 + (get_byte(b, 1) - 48) * 9 + (get_byte(b, 2) - 48) * 10
        + (get_byte(b, 3) - 48) * 5 + (get_byte(b, 4) - 48) * 8 + (get_byte(b, 5) - 48) * 4
        + (get_byte(b, 6) - 48) * 2 + (get_byte(b, 7) - 48) + (get_byte(b, 8) - 48) * 6
        + (get_byte(b, 9) - 48) * 3 + (get_byte(b, 10) - 48) * 7 + (get_byte(b, 11) - 48) * 9
        + (get_byte(b, 12) - 48) * 10 + (get_byte(b, 13) - 48) * 5 + (get_byte(b, 14) - 48) * 8
        + (get_byte(b, 15) - 48) * 4 + (get_byte(b, 16) - 48) * 2
    ) % 11, 1);
end
$$;

create or replace function vault.is_resident_id(value text) returns boolean
language plpgsql immutable parallel safe as $$
begin
    if value is null or value !~ '^[0-9]{17}[0-9X]$' then
        return false;
    end if;
    return substr(value, 7, 4) between '1880' and '2100'
        and substr(value, 18, 1) = vault.resident_id_check(substr(value, 1, 17))
        and pg_input_is_valid(substr(value, 7, 8), 'date');
end
$$;
