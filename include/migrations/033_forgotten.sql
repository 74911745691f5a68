-- What the planner kept of tables that were emptied: keys of before a rotation and those they
-- became, and what an erased person was named by. Samples of what is there are taken again.
select pg_clear_attribute_stats(n.nspname, c.relname, a.attname, false)
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid
where
    (n.nspname, c.relname) in (
        ('vault', 'rekeyed'), ('vault', 'erasure_token'), ('audit', 'subject')
    )
    and a.attnum > 0 and not a.attisdropped;
