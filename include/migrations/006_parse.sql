-- Cells as senders write them, made values; null where a cell says nothing or cannot be read.
-- None of these raises: what cannot be read is found by comparing with parse.text.
create schema if not exists parse;

-- The cell in NFKC without surrounding blanks and apostrophes; null for the usual marks of "none".
create function parse.text(cell text) returns text
language sql immutable parallel safe as $$
    select case
        when btrim(normalize(cell, nfkc), E' \t\r\n''`’') in ('', '/', '-', '--', '—', '无', 'NULL', 'null')
            then null
        else btrim(normalize(cell, nfkc), E' \t\r\n''`’')
    end
$$;

-- Yuan, two decimals: thousands separators and 元 taken off, 万元 multiplied.
create function parse.money(cell text) returns numeric
language sql immutable parallel safe as $$
    select case
        when t ~ '^-?\d{1,12}(\.\d+)?$' then round(t::numeric, 2)
        when t ~ '^-?\d{1,8}(\.\d+)?万$' then round(rtrim(t, '万')::numeric * 10000, 2)
    end
    from (select regexp_replace(parse.text(cell), '[,，\s元]', '', 'g') as t) as cleaned
$$;

create function parse.whole(cell text) returns integer
language sql immutable parallel safe as $$
    select case when parse.text(cell) ~ '^\d{1,9}(\.0+)?$' then parse.text(cell)::numeric::integer end
$$;

-- 是/否, 1/0, t/f, true/false, Y/N.
create function parse.flag(cell text) returns boolean
language sql immutable parallel safe as $$
    select case
        when lower(parse.text(cell)) in ('是', '1', 't', 'true', 'y', '已消除', '有') then true
        when lower(parse.text(cell)) in ('否', '0', 'f', 'false', 'n', '未消除') then false
    end
$$;

-- Calendar day: 20250901, 2025-09-01, 2025.9.1, 2025/9/1, 2025年9月1日, ISO time stamps.
create function parse.day(cell text) returns date
language sql immutable parallel safe as $$
    select case when pg_input_is_valid(d, 'date') then to_date(d, 'YYYY-MM-DD') end
    from (
        select case
            when t ~ '^\d{8}$' then substr(t, 1, 4) || '-' || substr(t, 5, 2) || '-' || substr(t, 7, 2)
            when t ~ '^\d{4}[-./年]\d{1,2}[-./月]\d{1,2}日?([ T].*)?$'
                then regexp_replace(t, '^(\d{4})[-./年](\d{1,2})[-./月](\d{1,2}).*$', '\1-\2-\3')
        end as d
        from (select parse.text(cell) as t) as cleaned
    ) as dashed
$$;

-- Month as 'YYYY-MM': 202509, 2025-09, 2025.9, 2025年9月, and any day of it.
create function parse.month(cell text) returns text
language sql immutable parallel safe as $$
    select case
        when t ~ '^\d{4}(0[1-9]|1[0-2])$' then substr(t, 1, 4) || '-' || substr(t, 5, 2)
        when t ~ '^\d{4}[-./年](0?[1-9]|1[0-2])月?$'
            then substr(t, 1, 4) || '-' || lpad(substring(t from '^\d{4}[-./年](\d{1,2})'), 2, '0')
        else to_char(parse.day(t), 'YYYY-MM')
    end
    from (select parse.text(cell) as t) as cleaned
$$;
