-- Who helps a household at the month's end: unit, position and since when, without a name. The
-- last day of a helper's term still counts.
select
    stated.household_key,
    stated.county_code,
    {{ source_row('county_helper', 'stated') }} as source_row,
    stated.helper_unit,
    stated.position,
    stated.started_on
from {{ ref('stg_county_helper') }} as stated
inner join {{ ref('dim_household') }} as household
    on
        stated.household_key = household.household_key
        and stated.county_code = household.county_code
where
    stated.period = {{ period() }}
    and stated.started_on <= {{ month_end() }}
    and (stated.ended_on is null or stated.ended_on >= {{ month_end() }})
