-- What the departments of housing, water and education, and the month's visits, give warning of.
with dwelling as (
    select
        state.household_key,
        state.county_code,
        warning.metric,
        warning.event_on,
        state.source_row
    from {{ ref('dwelling_state') }} as state
    cross join
        lateral (
            values
            ('dwelling_unsafe', state.is_unsafe, state.graded_on),
            (
                'only_dwelling_damaged',
                state.is_only_damaged and state.damaged_on >= {{ month_start() }},
                state.damaged_on
            )
        ) as warning (metric, is_so, event_on)
    where warning.is_so
),

water as (
    select
        stated.household_key,
        stated.county_code,
        reading.metric,
        reading.value,
        {{ source_row('county_water', 'stated') }} as source_row
    from {{ ref('stg_county_water') }} as stated
    inner join {{ ref('dim_household') }} as household
        on
            stated.household_key = household.household_key
            and stated.county_code = household.county_code
    cross join
        lateral (
            values
            ('water_outage_days', stated.outage_days::numeric),
            ('water_quality_failed', case when not stated.quality_ok then 1::numeric end)
        ) as reading (metric, value)
    where stated.period = {{ period() }} and reading.value > 0
),

metric as (
    select
        household_key,
        null::text as person_key,
        county_code,
        metric,
        1::numeric as value,
        event_on,
        source_row
    from dwelling
    union all
    select
        household_key,
        null::text as person_key,
        county_code,
        metric,
        value,
        null::date as event_on,
        source_row
    from water
    union all
    select
        household_key,
        person_key,
        county_code,
        'dropout_suspect' as metric,
        1::numeric as value,
        null::date as event_on,
        source_row
    from {{ ref('schooling_state') }}
    where state = 'dropout'
    union all
    select
        household_key,
        null::text as person_key,
        county_code,
        'visit_problems' as metric,
        problems::numeric as value,
        visited_on as event_on,
        source_row
    from {{ ref('last_visit') }}
    where is_in_month and problems > 0
)

select
    case when person_key is null then 'household' else 'person' end as subject,
    coalesce(person_key, household_key) as subject_key,
    person_key,
    household_key,
    county_code,
    metric,
    value,
    event_on,
    array[source_row] as source_rows
from metric
