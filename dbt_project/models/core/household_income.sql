-- Income by the formula of the national system: gross = A + B + C + D, net = gross - E, an absent
-- class counts as 0; the reference income of monitored households adds claims and takes off the
-- compliant medical payments. Yuan, over the trailing twelve months.
with income as (
    select
        household_key,
        county_code,
        coalesce(a_wage, 0) as wage_income,
        coalesce(b_business, 0) as business_income,
        coalesce(c_property, 0) as property_income,
        coalesce(d_transfer, 0) as transfer_income,
        coalesce(e_business_expense, 0) as business_expense,
        coalesce(claims_income, 0) as claims_income,
        coalesce(compliant_self_pay, 0) as compliant_self_pay
    from {{ ref('stg_county_income') }}
    where period = {{ period() }}
),

summed as (
    select
        income.*,
        household.members,
        income.wage_income
        + income.business_income
        + income.property_income
        + income.transfer_income as gross_income
    from income
    inner join {{ ref('dim_household') }} as household
        on
            income.household_key = household.household_key
            and income.county_code = household.county_code
)

select
    household_key,
    wage_income,
    business_income,
    property_income,
    transfer_income,
    business_expense,
    gross_income,
    gross_income - business_expense as net_income,
    round((gross_income - business_expense) / greatest(members, 1), 2) as net_income_pp,
    round(
        (gross_income - business_expense + claims_income - compliant_self_pay)
        / greatest(members, 1),
        2
    ) as reference_income_pp
from summed
