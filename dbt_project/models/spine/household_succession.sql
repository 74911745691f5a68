-- Households that go on under another number, or in another household: which number follows which,
-- and since when. One household can be split into several; each is named.
select
    begun.from_household_key as household_key,
    begun.household_key as successor_household_key,
    begun.county_code,
    begun.begun_by as kind,
    min(begun.valid_from) as since_period,
    min(begun.known_from) as known_from,
    -- Where its people are listed first under the new number.
    (array_agg(begun.first_row_no order by begun.valid_from, begun.first_row_no))[1]
        as first_row_no,
    count(*)::integer as persons
from {{ ref('household_membership') }} as begun
where
    begun.begun_by in ('renumbered', 'relocated', 'merged', 'split')
    and begun.from_household_key <> begun.household_key
group by begun.from_household_key, begun.household_key, begun.county_code, begun.begun_by
