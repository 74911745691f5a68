-- The last visit to each household in the month or the one before, and what it found. Of two rows
-- of one day in the files of two months, the later file's counts.
with visit as (
    select
        stated.household_key,
        stated.county_code,
        stated.visited_on,
        {{ source_row('county_visit', 'stated') }} as source_row,
        stated.food_ok,
        stated.clothing_ok,
        stated.housing_problem,
        stated.dropout_problem,
        stated.water_problem,
        stated.uninsured_problem,
        row_number() over (
            partition by stated.household_key
            order by stated.visited_on desc, stated.period desc
        ) as nth_last,
        count(*) filter (where stated.visited_on >= {{ month_start() }}) over (
            partition by stated.household_key
        ) as visits_in_month
    from {{ ref('stg_county_visit') }} as stated
    inner join {{ ref('dim_household') }} as household
        on
            stated.household_key = household.household_key
            and stated.county_code = household.county_code
    where
        stated.visited_on between ({{ month_start() }} - interval '1 month')::date
        and {{ month_end() }}
)

select
    household_key,
    county_code,
    source_row,
    visited_on,
    visited_on >= {{ month_start() }} as is_in_month,
    visits_in_month::integer as visits_in_month,
    food_ok,
    clothing_ok,
    housing_problem,
    dropout_problem,
    water_problem,
    uninsured_problem,
    coalesce((not food_ok)::integer, 0)
    + coalesce((not clothing_ok)::integer, 0)
    + coalesce(housing_problem::integer, 0)
    + coalesce(dropout_problem::integer, 0)
    + coalesce(water_problem::integer, 0)
    + coalesce(uninsured_problem::integer, 0) as problems
from visit
where nth_last = 1
