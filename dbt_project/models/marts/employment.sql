-- Who works where, of the persons on the counties' lists of workers.
with county as (
    {{ county_data_status('county_employment') }}
),

rule as (
    -- The threshold of the rule on short months of work, so that both count the same people.
    select
        threshold,
        verified
    from {{ ref('ref_risk_rule') }}
    where
        metric = 'work_months_last_6'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
    order by effective_from desc, rule_code asc
    limit 1
),

place as (
    select
        work_place,
        bool_or(is_in_county) as is_in_county
    from {{ ref('ref_work_place') }}
    group by work_place
),

household_type as (
    select
        household_type,
        bool_or(is_ex_poor) as is_ex_poor
    from {{ ref('ref_household_type') }}
    group by household_type
),

job as (
    select
        job.*,
        coalesce(household.township_code, 'unmapped') as township_code,
        case
            when household.household_key is null then 'not_on_file'
            when coalesce(household_type.is_ex_poor, false) then 'ex_poor'
            when household.monitor_status = 'in_force' then 'monitored'
            else 'other'
        end as household_group,
        case when job.is_employed then coalesce(job.place_code, 'unknown') else 'not_working' end
            as work_place,
        (job.is_employed or job.is_planned) and job.months_last_6 < rule.threshold as is_short
    from {{ ref('job_month') }} as job
    left join {{ ref('dim_household') }} as household on job.household_key = household.household_key
    left join household_type on household.household_type = household_type.household_type
    left join rule on true
),

counted as (
    select
        county_code,
        township_code,
        household_group,
        work_place,
        count(*) as listed,
        count(*) filter (where is_employed) as employed,
        count(*) filter (where not is_employed and is_planned) as planning,
        count(months_last_6) as months_known,
        sum(months_last_6) as months_last_6,
        count(*) filter (where is_short) as short_months,
        count(*) filter (where is_job_lost) as job_lost,
        count(*) filter (where wage_arrears > 0) as arrears,
        coalesce(sum(wage_arrears) filter (where wage_arrears > 0), 0) as arrears_amt,
        count(*) filter (where is_employed and wage_m is not null) as waged,
        sum(wage_m) filter (where is_employed) as wage_m,
        count(*) filter (where is_employed and channel_code = 'organised') as organised,
        count(*) filter (where is_employed and channel_code = 'self_found') as self_found,
        count(*) filter (where is_employed and channel_code = 'relatives') as relatives,
        count(*) filter (where is_employed and channel_code = 'workshop') as workshop
    from job
    group by county_code, township_code, household_group, work_place
)

select
    {{ period() }}::text as period,
    county.county_code,
    coalesce(counted.township_code, 'all') as township_code,
    coalesce(counted.household_group, 'all') as household_group,
    coalesce(counted.work_place, 'all') as work_place,
    case
        when counted.work_place = 'not_working' then false
        else place.is_in_county
    end as is_in_county,
    county.data_status,
    counted.listed::integer as listed_persons,
    counted.employed::integer as employed_persons,
    counted.planning::integer as planning_persons,
    counted.months_known::integer as months_known_persons,
    counted.months_last_6::integer as months_last_6_sum,
    round(counted.months_last_6::numeric / nullif(counted.months_known, 0), 2)
        as months_last_6_avg,
    counted.short_months::integer as short_months_persons,
    counted.job_lost::integer as job_lost_persons,
    counted.arrears::integer as arrears_persons,
    counted.arrears_amt,
    counted.waged::integer as waged_persons,
    round(counted.wage_m / nullif(counted.waged, 0), 2) as wage_m_avg,
    counted.organised::integer as organised_persons,
    counted.self_found::integer as self_found_persons,
    counted.relatives::integer as relatives_persons,
    counted.workshop::integer as workshop_persons,
    (
        counted.employed
        - counted.organised - counted.self_found - counted.relatives - counted.workshop
    )::integer as other_channel_persons,
    rule.threshold as short_months_threshold,
    coalesce(rule.verified, false) as threshold_verified
from county
left join counted
    on county.county_code = counted.county_code and county.data_status = 'published'
left join place on counted.work_place = place.work_place
left join rule on true
