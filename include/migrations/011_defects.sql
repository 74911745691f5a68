-- What is wrong with a delivery, cell by cell: written once, when it is loaded (include/defects/).
-- No cell's value is in it. A line is about a cell, a row (column_name null) or the file (row_no
-- null). Repaired: read all the same; flagged: kept and told; quarantined: the row does not go on;
-- rejected: the delivery does not. subject_key, a keyed hash, names the record of a quarantined row
-- across deliveries.
create table ops.delivery_defect (
    delivery_id bigint not null references ops.delivery,
    row_no bigint,
    column_name text,
    defect_code text not null,
    treatment text not null
    check (treatment in ('repaired', 'flagged', 'quarantined', 'rejected')),
    subject_key text check (subject_key ~ '^[0-9a-f]{64}$'),
    constraint delivery_defect_once
    unique nulls not distinct (delivery_id, row_no, column_name, defect_code)
);

-- The same content may come under a name that announces the wrong month or number of rows, and then
-- under a right one.
alter table ops.delivery drop constraint delivery_kind_county_code_period_sha256_key,
add constraint delivery_once unique (kind, county_code, period, sha256, file_name);

-- When a delivery's cells were judged; those loaded before are judged once (include/defects.py).
alter table ops.delivery add column cells_judged_at timestamptz;

-- The marks of "none" in date columns are as empty as any.
create or replace function parse.text(cell text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell ~ '^[0-9.:_]+$' and cell <> '00000000' then
        return cell;
    end if;
    t := btrim(normalize(cell, nfkc), E' \t\r\n''`’');
    if t in ('', '/', '-', '--', '—', '无', 'NULL', 'null', '00000000', '0000-00-00') then
        return null;
    end if;
    return t;
end
$$;

-- Whole numbers of up to nine digits, with the unit that some write behind them.
create or replace function parse.whole(cell text) returns integer
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell ~ '^\d{1,9}$' then
        return cell::integer;
    end if;
    t := regexp_replace(parse.text(cell), '\s*[人户个条次天月年]$', '');
    return case when t ~ '^\d{1,9}(\.0+)?$' then t::numeric::integer end;
end
$$;

-- UTF-8 text that was read as GB18030 and saved so (閮村窞 for 郴州): its bytes are UTF-8 again. None
-- of the names of areas and people that the simulator knows looks so by chance.
create function parse.is_mojibake(cell text) returns boolean
language sql immutable strict parallel safe as $$
    select
        cell ~ '^[\u4e00-\u9fff]{2,}[?？\ufffd]*$'
        and encode(convert_to(rtrim(cell, '?？' || U&'\FFFD'), 'GB18030'), 'hex')
        ~ '^(e[4-9][89ab][0-9a-f][89ab][0-9a-f])+(e[4-9]([89ab][0-9a-f])?)?$'
$$;

-- The defect of a filled cell of a contract's column type, or null: its code, with a ! where the
-- cell cannot be read by parse.<type>. Codes are those of ref_defect.
create function parse.defect(type text, cell text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    t text := parse.text(cell);
    bare text;
begin
    if t is null then -- blanks are as good as nothing; a mark of "none" is an entry of its own
        return case
            when btrim(normalize(cell, nfkc)) = '' then null
            when type in ('date', 'month', 'timestamp') and cell ~ '0000' then 'D14'
            else 'D13'
        end;
    end if;
    case type
        when 'month' then
            return case
                when cell ~ '^\d{4}-?(0[1-9]|1[0-2])$' then null
                when parse.day(t) is not null then 'D15'
                when parse.month(t) is not null then 'D14'
                else 'D14!'
            end;
        when 'date', 'timestamp' then
            return case
                when parse.day(t) is not null then
                    case when cell !~ '^\d{4}-?\d{2}-?\d{2}([ T][0-9:.+Z]+)?$' then 'D14' end
                when parse.month(t) is not null then 'D15!'
                else 'D14!'
            end;
        when 'money' then
            return case
                when cell ~ '^-?\d{1,12}(\.\d+)?$' then null
                when parse.money(t) is not null then 'D13'
                else 'D13!'
            end;
        when 'integer' then
            return case
                when cell ~ '^\d{1,9}$' then null
                when parse.whole(t) is not null then 'D13'
                else 'D13!'
            end;
        when 'flag' then
            return case when parse.flag(t) is null then 'D21!' end;
        when 'household_no' then
            return case
                when cell ~ '^\d{16}$' then null
                when t ~ '^\d{16}$' then 'D01'
                else 'D02!'
            end;
        when 'resident_id' then
            bare := regexp_replace(t, '[\s''`’]', '', 'g');
            return case
                when vault.is_resident_id(vault.normalise_resident_id(cell)) then
                    case
                        when cell ~ '^\d{17}[0-9X]$' then null
                        when length(bare) = 15 then 'D03'
                        when length(bare) in (20, 22) then 'D05'
                        else 'D01'
                    end
                when t ~ '^\d+(\.\d+)?E\+?\d+$' or t ~ '^\d{15}000$' then 'D02!'
                else 'D04!'
            end;
        when 'text' then
            return case
                when parse.is_mojibake(t) or t ~ '[?\ufffd□\ue000-\uf8ff]' then 'D18!'
            end;
        else
            return null;
    end case;
end
$$;

-- People of a county's list whom no department knows by their number, while one whom the list does
-- not have bears the same name and birth date in the same county: perhaps one person under two
-- numbers. For a person to judge; see include/linkage/aliases.py.
create table vault.alias_candidate (
    delivery_id bigint not null,
    row_no bigint not null,
    alias_key text not null,
    person_key text not null,
    evidence text not null,
    primary key (delivery_id, row_no, person_key)
);
