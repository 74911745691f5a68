-- Money from the revitalization funds: budgeted, paid, and how far it should be by now.
with county as (
    {{ county_data_status('county_fund_project') }}
),

target as (
    select
        months_elapsed,
        target_share,
        verified
    from {{ ref('ref_fund_target') }}
    where
        area_code = '431000'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

type as (
    select
        project_type,
        bool_or(is_industry) as is_industry
    from {{ ref('ref_project_type') }}
    group by project_type
),

project as (
    select
        now.*,
        -- Under way, and the month's file says no more is paid than the file before it.
        now.state_code = 'under_way' and now.paid_amt <= before.paid_amt as is_unmoved
    from {{ ref('stg_county_fund_project') }} as now
    inner join county on now.county_code = county.county_code and county.data_status = 'published'
    left join {{ ref('stg_county_fund_project') }} as before
        on
            now.county_code = before.county_code
            and now.project_no = before.project_no
            and before.period = {{ previous_period() }}
    where now.period = {{ period() }}
),

counted as (
    select
        county_code,
        fund_year,
        level_code,
        type_code,
        count(*) as projects,
        count(*) filter (where state_code = 'not_begun') as not_begun,
        count(*) filter (where state_code = 'under_way') as under_way,
        count(*) filter (where state_code = 'done') as done,
        count(*) filter (where state_code = 'halted') as halted,
        count(*) filter (where state_code = 'failed') as failed,
        count(*) filter (where is_unmoved) as unmoved,
        count(*) filter (where paid_amt > budget_amt) as overpaid,
        coalesce(sum(budget_amt), 0) as budget_amt,
        coalesce(sum(paid_amt), 0) as paid_amt,
        coalesce(sum(benefit_households), 0) as benefit_households
    from project
    group by county_code, fund_year, level_code, type_code
),

year as (
    select
        counted.county_code,
        counted.fund_year,
        round(
            coalesce(sum(counted.budget_amt) filter (where type.is_industry), 0)
            / nullif(sum(counted.budget_amt), 0),
            6
        ) as industry_share
    from counted
    inner join type on counted.type_code = type.project_type
    group by counted.county_code, counted.fund_year
),

due as (
    -- The step reached last, by months since the fund year began; none in its first months.
    select distinct on (elapsed.fund_year)
        elapsed.fund_year,
        coalesce(target.target_share, 0) as target_share,
        coalesce(target.verified, false) as verified
    from (
        select distinct
            fund_year,
            ('{{ build_var("period")[:4] }}'::integer - fund_year) * 12
            + '{{ build_var("period")[5:] }}'::integer as months
        from counted
    ) as elapsed
    left join target on elapsed.months >= target.months_elapsed
    order by elapsed.fund_year asc, target.months_elapsed desc nulls last
)

select
    {{ period() }}::text as period,
    county.county_code,
    coalesce(counted.fund_year, '{{ build_var("period")[:4] }}'::integer) as fund_year,
    coalesce(counted.level_code, 'all') as fund_level,
    coalesce(counted.type_code, 'all') as project_type,
    type.is_industry,
    county.data_status,
    counted.projects::integer as projects,
    counted.not_begun::integer as not_begun_projects,
    counted.under_way::integer as under_way_projects,
    counted.done::integer as done_projects,
    counted.halted::integer as halted_projects,
    counted.failed::integer as failed_projects,
    counted.unmoved::integer as unmoved_projects,
    counted.overpaid::integer as overpaid_projects,
    counted.budget_amt,
    counted.paid_amt,
    round(counted.paid_amt / nullif(counted.budget_amt, 0), 6) as paid_share,
    due.target_share,
    case
        when counted.budget_amt is not null
            then greatest(round(due.target_share * counted.budget_amt, 2) - counted.paid_amt, 0)
    end as behind_target_amt,
    counted.paid_amt < round(due.target_share * counted.budget_amt, 2) as is_behind_target,
    coalesce(due.verified, false) as target_verified,
    year.industry_share,
    counted.benefit_households::integer as benefit_households,
    round(counted.paid_amt / nullif(counted.benefit_households, 0), 2) as paid_per_household_amt
from county
left join counted on county.county_code = counted.county_code
left join type on counted.type_code = type.project_type
left join year
    on counted.county_code = year.county_code and counted.fund_year = year.fund_year
left join due on counted.fund_year = due.fund_year
