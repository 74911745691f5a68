-- The month before, per county whose four files of that month are complete, as far as the household
-- files alone say it: figures that accumulate through the year or rest on other sources have no
-- comparable value here.
with household as (
    select distinct on (file.household_key)
        file.household_key,
        file.county_code,
        coalesce(file.member_count, 0) as members,
        file.monitor_code is not null as is_known,
        file.monitor_code is not null and not coalesce(file.risk_cleared, false) as is_in_force
    from {{ ref('stg_county_household') }} as file
    inner join {{ ref('county_status') }} as status
        on file.county_code = status.county_code and status.was_complete
    where file.period = {{ previous_period() }}
    order by file.household_key, file.county_code
),

income as (
    select
        household_key,
        county_code,
        coalesce(a_wage, 0) + coalesce(b_business, 0) + coalesce(c_property, 0)
        + coalesce(d_transfer, 0) - coalesce(e_business_expense, 0) as net_income
    from {{ ref('stg_county_income') }}
    where period = {{ previous_period() }}
),

line as (
    select yuan_pp as income_line_pp
    from {{ ref('ref_income_line') }}
    where area_code = '431000' and year = substr({{ previous_period() }}, 1, 4)::integer
),

measure as (
    select distinct
        household_key,
        county_code
    from {{ ref('stg_county_measure') }}
    where period = {{ previous_period() }} and implementation = '已实施'
)

select
    household.county_code,
    count(*) as households,
    count(*) filter (where household.is_in_force) as monitored_households,
    count(*) filter (where household.is_known and not household.is_in_force)
        as cleared_households_ever,
    count(*) filter (where household.is_in_force and measure.household_key is not null)
        as monitored_with_measure,
    round(
        sum(income.net_income)
        / nullif(sum(household.members) filter (where income.net_income is not null), 0), 2
    ) as net_income_pp,
    count(*) filter (
        where round(income.net_income / greatest(household.members, 1), 2) < line.income_line_pp
    ) as households_below_line
from household
left join income
    on
        household.household_key = income.household_key
        and household.county_code = income.county_code
left join measure
    on
        household.household_key = measure.household_key
        and household.county_code = measure.county_code
left join line on true
group by household.county_code
