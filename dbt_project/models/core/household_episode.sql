-- The monitoring episodes of each household, from all household files up to the month: one per
-- month of identification that a county ever reported for it. What was reported last of an episode
-- counts. A household that was renumbered, or moved to another county, keeps its episodes.
--
-- It reads raw and not staging, because staging holds two months. Rows of households never
-- monitored are left out before anything is parsed or keyed: a few percent of the rows remain.
with delivery as (
    {{ counted_deliveries('county_household') }}
),

listed as (
    select distinct on (
        coalesce(alias.current_household_key, household.key), parse.month(r.monitored_ym)
    )
        coalesce(alias.current_household_key, household.key) as household_key,
        parse.month(r.monitored_ym) as monitored_ym,
        parse.month(r.first_identified_ym) as first_identified_ym,
        parse.month(r.cleared_ym) as cleared_ym,
        parse.text(r.clear_method) as clear_method,
        monitor.monitor_category,
        parse.text(r.risk_1) as risk_1,
        d.period as last_listed_period
    from {{ source('raw', 'county_household') }} as r
    inner join delivery as d on r._delivery_id = d.delivery_id
    inner join {{ source('vault', 'identifier') }} as household
        on household.kind = 'household' and parse.text(r.household_no) = household.value
    left join {{ ref('household_alias') }} as alias on household.key = alias.household_key
    inner join {{ ref('ref_monitor_category') }} as monitor
        on parse.text(r.monitor_category) = monitor.label
    where
        r.monitored_ym is not null
        and r.monitored_ym <> ''
        and parse.month(r.monitored_ym) <= {{ period() }}
    order by
        coalesce(alias.current_household_key, household.key) asc,
        parse.month(r.monitored_ym) asc,
        d.period desc,
        d.county_code asc,
        r._row_no desc
),

first_month as (
    -- A household that was identified before the first file we have: of that episode only the
    -- month is known, and of those between nothing.
    select
        household_key,
        min(first_identified_ym) as monitored_ym
    from listed
    where first_identified_ym <= {{ period() }}
    group by household_key
    having min(first_identified_ym) < min(monitored_ym)
),

episode as (
    select
        household_key,
        monitored_ym,
        'household_file' as start_basis,
        cleared_ym,
        clear_method,
        monitor_category,
        risk_1,
        last_listed_period
    from listed
    union all
    select
        household_key,
        monitored_ym,
        'first_identification' as start_basis,
        null as cleared_ym,
        null as clear_method,
        null as monitor_category,
        null as risk_1,
        null as last_listed_period
    from first_month
)

select
    household_key,
    (row_number() over (partition by household_key order by monitored_ym))::integer as episode_no,
    (count(*) over (partition by household_key))::integer as episodes,
    monitored_ym,
    lead(monitored_ym) over (partition by household_key order by monitored_ym) as next_monitored_ym,
    start_basis,
    -- A clearing date outside the month known, or before the episode, is no clearing.
    case when cleared_ym between monitored_ym and {{ period() }} then cleared_ym end as cleared_ym,
    clear_method,
    monitor_category,
    risk_1,
    last_listed_period
from episode
