-- What illness costs a household. The parts of the bill are of the calendar year so far; the
-- catastrophic-spending variants set the twelve months' payments against a year's income.
with threshold as (
    select
        max(value) filter (where code = 'high_burden_share') as income_share,
        max(value) filter (where code = 'very_high_burden_share') as higher_income_share,
        max(value) filter (where code = 'hardship_budget_share') as budget_share,
        max(value) filter (where code = 'impoverishing_budget_share') as whole_budget_share
    from {{ ref('ref_threshold') }}
    where
        effective_from <= {{ month_end() }}
        and coalesce(effective_to, 'infinity'::date) >= {{ month_end() }}
),

line as (
    select yuan_pp as poverty_line_pp
    from {{ ref('ref_societal_poverty_line') }}
    where area_code = '431000' and year = '{{ build_var("period")[:4] }}'::integer
),

observed as (
    select count(distinct period)::integer as months_observed
    from {{ source('ops', 'accepted_delivery') }}
    where
        kind = 'yb_settle'
        and known_at <= '{{ build_var("known_at") }}'::timestamptz
        and period between {{ year_back_period() }} and {{ period() }}
),

settled as (
    select
        person.household_key,
        settlement.*,
        service.setting,
        settlement.settled_on >= {{ year_start() }} as is_this_year,
        case when settlement.refd_setl_flag then -1 else 1 end as visits
    from {{ ref('stg_yb_settle') }} as settlement
    inner join {{ ref('dim_person') }} as person on settlement.person_key = person.person_key
    left join {{ ref('ref_med_type') }} as service on settlement.med_type = service.med_type
    where settlement.settled_on between {{ year_back_start() }} and {{ month_end() }}
),

summed as (
    select
        household_key,
        count(*) filter (where is_this_year) as settlement_rows,
        sum(visits) filter (where is_this_year and setting = 'inpatient') as inpatient_visits,
        sum(visits) filter (where is_this_year and setting = 'outpatient') as outpatient_visits,
        sum(medfee_sumamt) filter (where is_this_year) as bill,
        sum(
            coalesce(fulamt_ownpay_amt, 0)
            + coalesce(overlmt_selfpay, 0)
            + coalesce(preselfpay_amt, 0)
        ) filter (where is_this_year) as out_of_list,
        sum(inscp_scp_amt) filter (where is_this_year) as in_scope,
        sum(hifp_pay) filter (where is_this_year) as basic,
        sum(hifmi_pay) filter (where is_this_year) as serious_illness,
        sum(maf_pay) filter (where is_this_year) as medical_aid,
        sum(
            coalesce(cvlserv_pay, 0)
            + coalesce(hifes_pay, 0)
            + coalesce(hifob_pay, 0)
            + coalesce(oth_pay, 0)
        ) filter (where is_this_year) as other_payers,
        sum(fund_pay_sumamt) filter (where is_this_year) as fund,
        sum(hosp_part_amt) filter (where is_this_year) as hospital_part,
        sum(coalesce(psn_part_amt, 0)) filter (where is_this_year) as out_of_pocket,
        -sum(medfee_sumamt) filter (where is_this_year and refd_setl_flag) as refunded,
        sum(coalesce(psn_part_amt, 0)) as out_of_pocket_12m
    from settled
    group by household_key
),

-- Aid of the moment is in the settlement already (maf_pay); what is granted later is not.
later_aid as (
    select
        person.household_key,
        sum(aid.aid_amt) as later_aid_12m
    from {{ ref('stg_yb_med_aid') }} as aid
    inner join {{ ref('dim_person') }} as person on aid.person_key = person.person_key
    where
        aid.aid_type <> '1'
        and aid.aid_date between {{ year_back_start() }} and {{ month_end() }}
    group by person.household_key
),

filled as (
    select
        household.household_key,
        household.county_code,
        household.members,
        income.net_income,
        line.poverty_line_pp,
        coalesce(summed.settlement_rows, 0)::integer as settlement_rows_ytd,
        coalesce(summed.inpatient_visits, 0)::integer as inpatient_visits_ytd,
        coalesce(summed.outpatient_visits, 0)::integer as outpatient_visits_ytd,
        coalesce(summed.bill, 0) as bill_ytd_amt,
        coalesce(summed.out_of_list, 0) as out_of_list_ytd_amt,
        coalesce(summed.in_scope, 0) as in_scope_ytd_amt,
        coalesce(summed.basic, 0) as basic_insurance_ytd_amt,
        coalesce(summed.serious_illness, 0) as serious_illness_ytd_amt,
        coalesce(summed.medical_aid, 0) as medical_aid_ytd_amt,
        coalesce(summed.other_payers, 0) as other_payers_ytd_amt,
        coalesce(summed.fund, 0) as fund_ytd_amt,
        coalesce(summed.hospital_part, 0) as hospital_part_ytd_amt,
        coalesce(summed.out_of_pocket, 0) as out_of_pocket_ytd_amt,
        coalesce(summed.refunded, 0) as refunded_ytd_amt,
        coalesce(summed.out_of_pocket_12m, 0) as out_of_pocket_12m_amt,
        coalesce(later_aid.later_aid_12m, 0) as later_aid_12m_amt,
        coalesce(summed.out_of_pocket_12m, 0) - coalesce(later_aid.later_aid_12m, 0)
            as burden_12m_amt,
        income.net_income - line.poverty_line_pp * greatest(household.members, 1)
            as discretionary_budget_amt
    from {{ ref('dim_household') }} as household
    left join {{ ref('household_income') }} as income
        on household.household_key = income.household_key
    left join summed on household.household_key = summed.household_key
    left join later_aid on household.household_key = later_aid.household_key
    left join line on true
)

-- Without a positive income or budget any payment of one's own is more than any share of it.
select
    {{ period() }}::text as period,
    filled.household_key,
    filled.county_code,
    filled.settlement_rows_ytd,
    filled.inpatient_visits_ytd,
    filled.outpatient_visits_ytd,
    filled.bill_ytd_amt,
    filled.out_of_list_ytd_amt,
    filled.in_scope_ytd_amt,
    filled.basic_insurance_ytd_amt,
    filled.serious_illness_ytd_amt,
    filled.medical_aid_ytd_amt,
    filled.other_payers_ytd_amt,
    filled.fund_ytd_amt,
    filled.hospital_part_ytd_amt,
    filled.out_of_pocket_ytd_amt,
    filled.refunded_ytd_amt,
    {% for share, part, whole in [
        ('out_of_list_share', 'out_of_list_ytd_amt', 'bill_ytd_amt'),
        ('basic_insurance_share', 'basic_insurance_ytd_amt', 'bill_ytd_amt'),
        ('serious_illness_share', 'serious_illness_ytd_amt', 'bill_ytd_amt'),
        ('medical_aid_share', 'medical_aid_ytd_amt', 'bill_ytd_amt'),
        ('reimbursement_share', 'fund_ytd_amt', 'bill_ytd_amt'),
        ('in_scope_reimbursement_share', 'fund_ytd_amt', 'in_scope_ytd_amt'),
    ] -%}
    case
        when filled.{{ whole }} > 0 then round(filled.{{ part }} / filled.{{ whole }}, 6)
    end as {{ share }},
    {% endfor -%}
    observed.months_observed,
    filled.out_of_pocket_12m_amt,
    filled.later_aid_12m_amt,
    filled.burden_12m_amt,
    filled.net_income,
    filled.poverty_line_pp,
    filled.discretionary_budget_amt,
    case
        when filled.net_income is not null and observed.months_observed > 0
            then
                filled.burden_12m_amt
                > threshold.income_share * greatest(filled.net_income, 0)
    end as is_over_10_of_income,
    case
        when filled.net_income is not null and observed.months_observed > 0
            then
                filled.burden_12m_amt
                > threshold.higher_income_share * greatest(filled.net_income, 0)
    end as is_over_25_of_income,
    case
        when filled.discretionary_budget_amt is not null and observed.months_observed > 0
            then
                filled.burden_12m_amt
                > threshold.budget_share * greatest(filled.discretionary_budget_amt, 0)
    end as is_over_40_of_budget,
    case
        when filled.discretionary_budget_amt is not null and observed.months_observed > 0
            then
                filled.burden_12m_amt
                > threshold.whole_budget_share * greatest(filled.discretionary_budget_amt, 0)
    end as is_impoverishing
from filled
cross join observed
cross join threshold
