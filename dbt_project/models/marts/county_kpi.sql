with household as (
    select
        county_code,
        count(*) filter (where monitor_status = 'in_force') as monitored,
        count(*) filter (where monitor_status = 'cleared') as cleared_ever,
        count(*) filter (where monitor_status = 'in_force' and measures_in_place > 0)
            as with_measure,
        count(*) filter (where monitor_status = 'in_force' and (has_dibao or has_tekun))
            as assisted
    from {{ ref('household_month') }}
    group by county_code
),

valued as (
    select
        card.county_code,
        item.kpi,
        item.kpi_value,
        item.previous_value
    from {{ ref('county_scorecard') }} as card
    left join household on card.county_code = household.county_code
    left join {{ ref('county_before') }} as before on card.county_code = before.county_code
    cross join lateral (
        values
        ('households', card.households::numeric, before.households::numeric),
        (
            'monitored_households',
            card.monitored_households::numeric,
            before.monitored_households::numeric
        ),
        (
            'risk_cleared_share',
            household.cleared_ever::numeric
            / nullif(household.cleared_ever + household.monitored, 0),
            before.cleared_households_ever::numeric
            / nullif(before.cleared_households_ever + before.monitored_households, 0)
        ),
        ('net_income_pp', card.net_income_pp, before.net_income_pp),
        (
            'below_line_share',
            card.households_below_line::numeric / nullif(card.households, 0),
            before.households_below_line::numeric / nullif(before.households, 0)
        ),
        ('insured_share', card.insured_share, null),
        ('monitored_insured_share', card.monitored_insured_share, null),
        (
            'high_burden_share',
            card.high_burden_households::numeric / nullif(card.households, 0),
            null
        ),
        (
            'measures_coverage',
            household.with_measure::numeric / nullif(household.monitored, 0),
            before.monitored_with_measure::numeric / nullif(before.monitored_households, 0)
        ),
        (
            'monitored_assisted_share',
            household.assisted::numeric / nullif(household.monitored, 0),
            null
        )
    ) as item (kpi, kpi_value, previous_value)
),

rounded as (
    select
        target.kpi,
        target.label_zh,
        target.unit,
        target.direction,
        target.figure_group,
        target.target,
        target.flat_within,
        target.verified as target_verified,
        card.county_code,
        card.county_name,
        card.data_status,
        case when card.data_status = 'published' then round(valued.kpi_value, 6) end as kpi_value,
        case when card.data_status = 'published' then round(valued.previous_value, 6) end
            as previous_value
    from {{ ref('ref_kpi_target') }} as target
    cross join {{ ref('county_scorecard') }} as card
    left join valued on target.kpi = valued.kpi and card.county_code = valued.county_code
    where {{ in_effect('target') }}
)

select
    {{ period() }}::text as period,
    rounded.county_code,
    rounded.kpi,
    rounded.county_name,
    rounded.data_status,
    rounded.label_zh,
    rounded.unit,
    rounded.figure_group,
    rounded.kpi_value as value,
    coalesce(grade.grade, 'held_back') as grade,
    rounded.previous_value,
    rounded.kpi_value - rounded.previous_value as change,
    case
        when abs(rounded.kpi_value - rounded.previous_value) <= rounded.flat_within then 'flat'
        when rounded.kpi_value > rounded.previous_value then 'up'
        when rounded.kpi_value < rounded.previous_value then 'down'
    end as trend,
    rounded.direction,
    case
        when rounded.kpi_value is not null and rounded.direction is not null
            then rank() over (
                    partition by rounded.kpi
                    order by
                        case rounded.direction
                            when 'lower' then rounded.kpi_value else -rounded.kpi_value
                        end nulls last
                )
    end::integer as rank,
    rounded.target,
    case rounded.direction
        when 'higher' then rounded.kpi_value >= rounded.target
        when 'lower' then rounded.kpi_value <= rounded.target
    end as is_target_met,
    rounded.target_verified
from rounded
left join {{ ref('county_grade') }} as grade
    on
        rounded.county_code = grade.county_code
        and rounded.figure_group = grade.figure_group
