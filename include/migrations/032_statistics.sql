-- No statistics of the marts but of the month: what was kept before that was declared goes.
do $$
declare
    kept record;
begin
    for kept in
        select c.relname, a.attname
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid
        where
            c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'
            and a.attnum > 0 and not a.attisdropped and a.attname <> 'period'
    loop
        perform pg_clear_attribute_stats('marts', kept.relname, kept.attname, false);
    end loop;
end
$$;
