-- Income per head now and against the month before, and how long a monitored household has been
-- without help. A household that was renumbered or moved is compared with itself. The day of
-- recognition is not in the household file, only its month: the days are counted from that month's
-- last day, so that no household is called overdue too early.
with current_income as (
    select
        household.household_key,
        household.county_code,
        income.net_income_pp,
        income.reference_income_pp,
        {{ source_row('county_income', 'stated') }} as source_row
    from {{ ref('household_income') }} as income
    inner join {{ ref('dim_household') }} as household
        on income.household_key = household.household_key
    inner join {{ ref('stg_county_income') }} as stated
        on
            household.household_key = stated.household_key
            and household.county_code = stated.county_code
            and stated.period = {{ period() }}
),

previous_income as (
    select
        coalesce(alias.current_household_key, stated.household_key) as household_key,
        case when alias.household_key is null then stated.county_code end as county_code,
        round(
            (
                coalesce(stated.a_wage, 0)
                + coalesce(stated.b_business, 0)
                + coalesce(stated.c_property, 0)
                + coalesce(stated.d_transfer, 0)
                - coalesce(stated.e_business_expense, 0)
            ) / greatest(coalesce(household.member_count, 0), 1),
            2
        ) as net_income_pp,
        {{ source_row('county_income', 'stated') }} as source_row
    from {{ ref('stg_county_income') }} as stated
    inner join {{ ref('stg_county_household') }} as household
        on
            stated.household_key = household.household_key
            and stated.county_code = household.county_code
            and stated.period = household.period
    left join {{ ref('household_alias') }} as alias on stated.household_key = alias.household_key
    where stated.period = {{ previous_period() }}
),

unhelped as (
    select
        household.household_key,
        household.county_code,
        {{ month_end() }}
        - ((household.monitored_ym || '-01')::date + interval '1 month - 1 day')::date as days,
        {{ source_row('county_household', 'stated') }} as source_row
    from {{ ref('dim_household') }} as household
    inner join {{ ref('household_assistance') }} as assistance
        on household.household_key = assistance.household_key
    inner join {{ ref('stg_county_household') }} as stated
        on
            household.household_key = stated.household_key
            and household.county_code = stated.county_code
            and stated.period = {{ period() }}
    where
        household.monitor_status = 'in_force'
        and household.monitored_ym < {{ period() }}
        and assistance.measures_in_place = 0
),

decided as (
    -- Measures on paper: the evidence that help was decided and is still to come.
    select
        measure.household_key,
        measure.county_code,
        array_agg({{ source_row('county_measure', 'measure') }} order by measure.row_no)
            as source_rows
    from {{ ref('stg_county_measure') }} as measure
    where measure.period = {{ period() }}
    group by measure.household_key, measure.county_code
),

metric as (
    select
        household_key,
        county_code,
        'net_income_pp' as metric,
        net_income_pp as value,
        array[source_row] as source_rows
    from current_income
    union all
    select
        household_key,
        county_code,
        'reference_income_pp' as metric,
        reference_income_pp as value,
        array[source_row] as source_rows
    from current_income
    union all
    -- Cut and not rounded: a drop just under a threshold does not become one on it.
    select
        current_income.household_key,
        current_income.county_code,
        'income_drop_share' as metric,
        trim_scale(
            trunc(
                (previous_income.net_income_pp - current_income.net_income_pp)
                / previous_income.net_income_pp,
                6
            )
        ) as value,
        array[previous_income.source_row, current_income.source_row] as source_rows
    from current_income
    inner join previous_income
        on
            current_income.household_key = previous_income.household_key
            and current_income.county_code
            = coalesce(previous_income.county_code, current_income.county_code)
    where
        previous_income.net_income_pp > 0
        and current_income.net_income_pp < previous_income.net_income_pp
    union all
    select
        unhelped.household_key,
        unhelped.county_code,
        'days_without_measure' as metric,
        unhelped.days::numeric as value,
        (array[unhelped.source_row] || decided.source_rows)[1:10] as source_rows
    from unhelped
    left join decided
        on
            unhelped.household_key = decided.household_key
            and unhelped.county_code = decided.county_code
)

select
    'household' as subject,
    household_key as subject_key,
    null::text as person_key,
    household_key,
    county_code,
    metric,
    value,
    null::date as event_on,
    source_rows
from metric
