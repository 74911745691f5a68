-- What a household receives: dibao, full support (特困), temporary aid, and measures in place.
with family as (
    select cert_no
    from {{ ref('stg_mz_dibao_family') }}
    where start_ym <= {{ period() }} and (end_ym is null or end_ym > {{ period() }})
),

dibao as (
    select person.household_key
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join family on member.cert_no = family.cert_no
    inner join {{ ref('dim_person') }} as person on member.person_key = person.person_key
    where coalesce(member.covered, false)
    group by person.household_key
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

tekun as (
    select person.household_key
    from {{ ref('stg_mz_tekun') }} as support
    inner join {{ ref('dim_person') }} as person on support.person_key = person.person_key
    where
        support.start_ym <= {{ period() }}
        and (support.end_ym is null or support.end_ym > {{ period() }})
    group by person.household_key
),

aid as (
    select
        person.household_key,
        sum(granted.amount) as amount
    from {{ ref('stg_mz_temp_aid') }} as granted
    inner join {{ ref('dim_person') }} as person on granted.person_key = person.person_key
    where
        granted.approved_on <= {{ month_end() }}
        and granted.approved_on > {{ month_end() }} - interval '12 months'
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
    dibao.household_key is not null as has_dibao,
    tekun.household_key is not null as has_tekun,
    coalesce(paid.amount, 0) as dibao_paid_amt,
    coalesce(aid.amount, 0) as temp_aid_12m_amt,
    coalesce(measure.in_place, 0) as measures_in_place
from {{ ref('dim_household') }} as household
left join dibao on household.household_key = dibao.household_key
left join paid on household.household_key = paid.household_key
left join tekun on household.household_key = tekun.household_key
left join aid on household.household_key = aid.household_key
left join measure
    on
        household.household_key = measure.household_key
        and household.county_code = measure.county_code
