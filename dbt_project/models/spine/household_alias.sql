-- Under which number a household goes now that had another before: renumbered, or moved to another
-- county, perhaps several times. What was known of it by the former numbers is known of it.
with recursive step as (
    -- By the accounts of most of its people, where they went different ways; else the way of those
    -- whom the new list names first.
    select distinct on (household_key, since_period)
        household_key,
        successor_household_key,
        since_period
    from {{ ref('household_succession') }}
    where kind in ('renumbered', 'relocated')
    order by
        household_key asc, since_period asc, persons desc, county_code asc, first_row_no asc
),

way as (
    select
        household_key,
        successor_household_key as current_household_key,
        since_period,
        1 as steps,
        array[since_period] as periods
    from step
    union all
    select
        way.household_key,
        step.successor_household_key as current_household_key,
        step.since_period,
        way.steps + 1 as steps,
        way.periods || step.since_period as periods
    from way
    inner join step
        on
            way.current_household_key = step.household_key
            and way.since_period < step.since_period
)

select
    household_key,
    current_household_key,
    since_period
from (
    select distinct on (household_key)
        household_key,
        current_household_key,
        since_period
    from way
    order by household_key asc, steps desc, since_period desc, periods asc
) as last_step
where current_household_key <> household_key
