-- Who helps each household that is to be helped, since when, and when it was last visited; of the
-- others, those that have a helper or were visited in the month. Names stay with the county.
with delivered as (
    select
        county_code,
        bool_or(kind = 'county_helper' and period = {{ period() }}) as has_helpers,
        bool_or(kind = 'county_visit' and period = {{ period() }}) as has_visits,
        bool_or(kind = 'county_visit' and period = {{ previous_period() }}) as had_visits
    from {{ source('ops', 'accepted_delivery') }}
    where
        kind in ('county_helper', 'county_visit')
        and known_at <= '{{ build_var("known_at") }}'::timestamptz
        and period in ({{ period() }}, {{ previous_period() }})
    group by county_code
),

standard as (
    select
        population,
        max_days_between_visits,
        needs_helper,
        verified
    from {{ ref('ref_visit_standard') }}
    where
        effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

known_type as (
    select
        household_type,
        bool_or(is_ex_poor) as is_ex_poor
    from {{ ref('ref_household_type') }}
    group by household_type
),

household as (
    select
        listed.household_key,
        listed.county_code,
        listed.village_code,
        listed.monitored_ym,
        case
            when listed.monitor_status = 'in_force' then 'monitored'
            when known_type.is_ex_poor then 'ex_poor'
        end as population
    from {{ ref('dim_household') }} as listed
    left join known_type on listed.household_type = known_type.household_type
),

helper as (
    -- The one who has been there longest stands for all.
    select
        household_key,
        count(*) as helpers,
        (array_agg(helper_unit order by started_on, helper_unit, position))[1] as unit,
        (array_agg(position order by started_on, helper_unit, position))[1] as position,
        min(started_on) as since,
        (array_agg(source_row order by started_on, helper_unit, position))[1:10] as source_rows
    from {{ ref('household_helper') }}
    group by household_key
),

joined as (
    select
        household.*,
        standard.max_days_between_visits,
        coalesce(standard.needs_helper, false) as needs_helper,
        standard.verified,
        coalesce(delivered.has_helpers, false) as has_helpers,
        coalesce(delivered.has_visits, false) as has_visits,
        coalesce(delivered.had_visits, false) as had_visits,
        helper.helpers,
        helper.unit,
        helper.position,
        helper.since,
        helper.source_rows,
        visit.visited_on,
        visit.visits_in_month,
        {{ month_end() }} - visit.visited_on as days_since
    from household
    left join standard on household.population = standard.population
    left join delivered on household.county_code = delivered.county_code
    left join helper on household.household_key = helper.household_key
    left join {{ ref('last_visit') }} as visit on household.household_key = visit.household_key
)

select
    {{ period() }}::text as period,
    household_key,
    county_code,
    village_code,
    population,
    needs_helper,
    case when has_helpers then coalesce(helpers, 0)::integer end as helpers_in_force,
    unit as helper_unit,
    position as helper_position,
    since as helper_since,
    case when has_helpers then needs_helper and helpers is null end as is_helper_missing,
    source_rows as helper_source_rows,
    case when has_visits then coalesce(visits_in_month, 0)::integer end as visits_in_month,
    case when has_visits then visited_on end as last_visit_on,
    case when has_visits then days_since::integer end as days_since_last_visit,
    max_days_between_visits,
    -- Recognised in the month: the first visit is not overdue before the first month is over.
    case
        when max_days_between_visits is null then false
        when not has_visits then null
        when days_since is not null then days_since > max_days_between_visits
        when population = 'monitored' and monitored_ym = {{ period() }} then false
        when had_visits then true
    end as is_visit_overdue,
    verified as is_standard_verified
from joined
where population is not null or helpers is not null or visits_in_month > 0
