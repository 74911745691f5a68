-- Cells as senders write them, made values; null where a cell says nothing or cannot be read.
-- None of these raises: what cannot be read is found by comparing with parse.text. PL/pgSQL, the
-- plain spelling first: a build reads millions of cells, and a SQL function that is not inlined
-- costs ten times as much.
create schema if not exists parse;

-- The cell in NFKC without surrounding blanks and apostrophes; null for the usual marks of "none".
create function parse.text(cell text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell ~ '^[0-9.:_]+$' then
        return cell;
    end if;
    t := btrim(normalize(cell, nfkc), E' \t\r\n''`’');
    if t in ('', '/', '-', '--', '—', '无', 'NULL', 'null') then
        return null;
    end if;
    return t;
end
$$;

-- Yuan, two decimals: thousands separators and 元 taken off, 万元 multiplied.
create function parse.money(cell text) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell ~ '^-?\d{1,12}(\.\d+)?$' then
        return round(cell::numeric, 2);
    end if;
    t := regexp_replace(parse.text(cell), '[,，\s元]', '', 'g');
    if t ~ '^-?\d{1,12}(\.\d+)?$' then
        return round(t::numeric, 2);
    end if;
    if t ~ '^-?\d{1,8}(\.\d+)?万$' then
        return round(rtrim(t, '万')::numeric * 10000, 2);
    end if;
    return null;
end
$$;

create function parse.whole(cell text) returns integer
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell ~ '^\d{1,9}$' then
        return cell::integer;
    end if;
    t := parse.text(cell);
    return case when t ~ '^\d{1,9}(\.0+)?$' then t::numeric::integer end;
end
$$;

-- 是/否, 1/0, t/f, true/false, Y/N.
create function parse.flag(cell text) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    t text;
begin
    if cell = '是' then
        return true;
    elsif cell = '否' then
        return false;
    end if;
    t := lower(parse.text(cell));
    return case
        when t in ('是', '1', 't', 'true', 'y', '已消除', '有') then true
        when t in ('否', '0', 'f', 'false', 'n', '未消除') then false
    end;
end
$$;

-- Calendar day: 20250901, 2025-09-01, 2025.9.1, 2025/9/1, 2025年9月1日, ISO time stamps.
create function parse.day(cell text) returns date
language plpgsql immutable strict parallel safe as $$
declare
    t text := cell;
    d text;
begin
    if t !~ '^\d{4}-?\d{2}-?\d{2}$' then
        t := parse.text(cell);
    end if;
    d := case
        when t ~ '^\d{8}$' then substr(t, 1, 4) || '-' || substr(t, 5, 2) || '-' || substr(t, 7, 2)
        when t ~ '^\d{4}-\d{2}-\d{2}$' then t
        when t ~ '^\d{4}[-./年]\d{1,2}[-./月]\d{1,2}日?([ T].*)?$'
            then regexp_replace(t, '^(\d{4})[-./年](\d{1,2})[-./月](\d{1,2}).*$', '\1-\2-\3')
    end;
    return case when pg_input_is_valid(d, 'date') then to_date(d, 'YYYY-MM-DD') end;
end
$$;

-- Month as 'YYYY-MM': 202509, 2025-09, 2025.9, 2025年9月, and any day of it.
create function parse.month(cell text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    t text := cell;
begin
    if t !~ '^\d{6}$' then
        t := parse.text(cell);
    end if;
    if t ~ '^\d{4}(0[1-9]|1[0-2])$' then
        return substr(t, 1, 4) || '-' || substr(t, 5, 2);
    elsif t ~ '^\d{4}[-./年](0?[1-9]|1[0-2])月?$' then
        return substr(t, 1, 4) || '-' || lpad(substring(t from '^\d{4}[-./年](\d{1,2})'), 2, '0');
    end if;
    return to_char(parse.day(t), 'YYYY-MM');
end
$$;
