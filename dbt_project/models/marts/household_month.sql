with line as (
    select yuan_pp as income_line_pp
    from {{ ref('ref_income_line') }}
    where area_code = '431000' and year = '{{ build_var("period")[:4] }}'::integer
),

threshold as (
    select value as high_burden_share
    from {{ ref('ref_threshold') }}
    where
        code = 'high_burden_share'
        and effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
)

select
    {{ period() }}::text as period,
    household.household_key,
    household.county_code,
    household.township_code,
    household.village_code,
    household.household_type,
    household.monitor_category,
    household.monitor_status,
    household.monitored_ym,
    household.cleared_ym,
    -- One identified and cleared in the same month is new and cleared, and in no stock.
    coalesce(
        household.monitor_status <> 'none'
        and household.monitored_ym = {{ period() }}
        and coalesce(household.first_identified_ym, household.monitored_ym) = {{ period() }},
        false
    ) as is_new,
    coalesce(
        household.monitor_status <> 'none'
        and household.monitored_ym = {{ period() }}
        and household.first_identified_ym < {{ period() }},
        false
    ) as is_relapsed,
    coalesce(household.monitor_status = 'cleared' and household.cleared_ym = {{ period() }}, false)
        as is_cleared,
    moved.household_key is not null as is_moved_in,
    household.members,
    coalesce(health.persons_on_file, 0)::integer as persons_on_file,
    income.wage_income,
    income.business_income,
    income.property_income,
    income.transfer_income,
    income.business_expense,
    income.gross_income,
    income.net_income,
    income.net_income_pp,
    income.reference_income_pp,
    line.income_line_pp,
    income.net_income_pp < line.income_line_pp as is_below_line,
    coalesce(health.insured_persons, 0)::integer as insured_persons,
    coalesce(health.insurable_persons, 0)::integer as insurable_persons,
    coalesce(health.out_of_pocket_ytd_amt, 0) as out_of_pocket_ytd_amt,
    case
        when income.net_income > 0
            then round(coalesce(health.out_of_pocket_ytd_amt, 0) / income.net_income, 6)
    end as out_of_pocket_income_share,
    -- Without positive income any payment of one's own is a high burden.
    case
        when income.net_income > 0
            then
                coalesce(health.out_of_pocket_ytd_amt, 0)
                > threshold.high_burden_share * income.net_income
        else coalesce(health.out_of_pocket_ytd_amt, 0) > 0
    end as is_high_burden,
    assistance.has_dibao,
    assistance.has_tekun,
    assistance.dibao_paid_amt,
    assistance.temp_aid_12m_amt,
    assistance.measures_in_place::integer as measures_in_place,
    coalesce(health.deceased_members, 0)::integer as deceased_members
from {{ ref('dim_household') }} as household
inner join {{ ref('household_assistance') }} as assistance
    on household.household_key = assistance.household_key
left join {{ ref('household_income') }} as income
    on household.household_key = income.household_key
left join {{ ref('household_health') }} as health
    on household.household_key = health.household_key
left join {{ ref('monitored_move') }} as moved
    on
        moved.direction = 'in'
        and household.household_key = moved.household_key
        and household.county_code = moved.county_code
left join line on true
left join threshold on true
