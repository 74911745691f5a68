-- What a household receives: dibao, full support (特困), temporary aid, and measures in place.
with member as (
    select
        household_key,
        bool_or(is_dibao_covered) as has_dibao,
        bool_or(is_tekun) as has_tekun,
        sum(temp_aid_12m_amt) as temp_aid_12m_amt
    from {{ ref('person_assistance') }}
    group by household_key
),

paid as (
    -- A certificate's money goes to the household of the family's head.
    select
        person.household_key,
        sum(payment.amount) as amount
    from {{ ref('stg_mz_dibao_payment') }} as payment
    inner join {{ ref('stg_mz_dibao_family') }} as head on payment.cert_no = head.cert_no
    inner join {{ ref('dim_person') }} as person on head.head_person_key = person.person_key
    where payment.pay_ym = {{ period() }} and coalesce(payment.status, '') <> '退票'
    group by person.household_key
),

measure as (
    select
        household_key,
        county_code,
        count(*) as in_place
    from {{ ref('stg_county_measure') }}
    where period = {{ period() }} and implementation = '已实施'
    group by household_key, county_code
)

select
    household.household_key,
    coalesce(member.has_dibao, false) as has_dibao,
    coalesce(member.has_tekun, false) as has_tekun,
    coalesce(paid.amount, 0) as dibao_paid_amt,
    coalesce(member.temp_aid_12m_amt, 0) as temp_aid_12m_amt,
    coalesce(measure.in_place, 0) as measures_in_place
from {{ ref('dim_household') }} as household
left join member on household.household_key = member.household_key
left join paid on household.household_key = paid.household_key
left join measure
    on
        household.household_key = measure.household_key
        and household.county_code = measure.county_code
