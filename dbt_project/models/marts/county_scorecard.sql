with household as (
    select
        county_code,
        count(*) as households,
        sum(persons_on_file) as persons,
        count(*) filter (where monitor_status = 'in_force') as monitored,
        count(*) filter (where monitor_status = 'in_force' and monitor_category = '01') as unstable,
        count(*) filter (where monitor_status = 'in_force' and monitor_category = '02') as marginal,
        count(*) filter (where monitor_status = 'in_force' and monitor_category = '03') as sudden,
        count(*) filter (where is_new) as new_monitored,
        count(*) filter (where is_relapsed) as relapsed,
        count(*) filter (where is_cleared) as cleared,
        count(*) filter (where is_moved_in) as moved_in,
        round(sum(net_income) / nullif(sum(members) filter (where net_income is not null), 0), 2)
            as net_income_pp,
        count(*) filter (where is_below_line) as below_line,
        sum(insured_persons) as insured,
        sum(insurable_persons) as insurable,
        sum(insured_persons) filter (where monitor_status = 'in_force') as monitored_insured,
        sum(insurable_persons) filter (where monitor_status = 'in_force') as monitored_insurable,
        sum(out_of_pocket_ytd_amt) as out_of_pocket_ytd_amt,
        count(*) filter (where is_high_burden) as high_burden
    from {{ ref('household_month') }}
    group by county_code
),

previous as (
    select
        county_code,
        count(*) as monitored
    from {{ ref('stg_county_household') }}
    where
        period = {{ previous_period() }}
        and monitor_code is not null
        and not coalesce(risk_cleared, false)
    group by county_code
),

departed as (
    select
        county_code,
        count(*) as moved_out
    from {{ ref('monitored_move') }}
    where direction = 'out'
    group by county_code
),

line as (
    select verified as income_line_verified
    from {{ ref('ref_income_line') }}
    where area_code = '431000' and year = '{{ build_var("period")[:4] }}'::integer
),

grade as (
    select
        county_code,
        max(grade) filter (where figure_group = 'households') as grade_households,
        max(grade) filter (where figure_group = 'income') as grade_income,
        max(grade) filter (where figure_group = 'health') as grade_health,
        max(grade) filter (where figure_group = 'assistance') as grade_assistance,
        max(grade) filter (where figure_group = 'living') as grade_living,
        max(grade) filter (where figure_group = 'work') as grade_work
    from {{ ref('county_grade') }}
    group by county_code
)

select
    {{ period() }}::text as period,
    status.county_code,
    status.county_name,
    case when status.is_published then 'published' else 'held_back' end as data_status,
    household.households::integer as households,
    household.persons::integer as persons,
    household.monitored::integer as monitored_households,
    household.unstable::integer as monitored_unstable_households,
    household.marginal::integer as monitored_marginal_households,
    household.sudden::integer as monitored_sudden_hardship_households,
    household.new_monitored::integer as new_monitored_households,
    household.relapsed::integer as relapsed_monitored_households,
    household.cleared::integer as cleared_monitored_households,
    case when status.is_published and status.was_complete then household.moved_in::integer end
        as moved_in_monitored_households,
    case
        when
            status.is_published and status.was_complete
            then coalesce(departed.moved_out, 0)::integer
    end
        as moved_out_monitored_households,
    case
        when
            status.is_published and status.was_complete
            then coalesce(previous.monitored, 0)::integer
    end
        as previous_monitored_households,
    grade.grade_households,
    household.net_income_pp,
    household.below_line::integer as households_below_line,
    coalesce(line.income_line_verified, false) as income_line_verified,
    grade.grade_income,
    household.insured::integer as insured_persons,
    round(household.insured::numeric / nullif(household.insurable, 0), 6) as insured_share,
    round(household.monitored_insured::numeric / nullif(household.monitored_insurable, 0), 6)
        as monitored_insured_share,
    household.out_of_pocket_ytd_amt,
    household.high_burden::integer as high_burden_households,
    grade.grade_health,
    grade.grade_assistance,
    grade.grade_living,
    grade.grade_work,
    case when not status.is_published then status.shown_period end as shown_instead_period,
    case when not status.is_published then status.shown_sent_on end as shown_instead_sent_on,
    -- An annotation: the publisher says it of a month that is published (include/stale.py).
    null::date as stale_since
from {{ ref('county_status') }} as status
left join household on status.county_code = household.county_code
left join previous on status.county_code = previous.county_code
left join departed on status.county_code = departed.county_code
left join line on true
left join grade on status.county_code = grade.county_code
