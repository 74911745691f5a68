-- What health insurance and the health commission know of each person on file: insurance on the
-- last day of the month, own payments since January, and whether there is an illness. Which one it
-- is stays in staging.
with insured as (
    select distinct person_key
    from {{ ref('stg_yb_enrol') }}
    where
        period = {{ period() }}
        and psn_insu_stas = '1'
        and begntime <= {{ month_end() }}
        and coalesce(endtime, 'infinity'::date) >= {{ month_end() }}
),

paid as (
    select
        person_key,
        sum(coalesce(psn_part_amt, 0)) as out_of_pocket
    from {{ ref('stg_yb_settle') }}
    where settled_on between {{ year_start() }} and {{ month_end() }}
    group by person_key
),

major as (
    select distinct person_key
    from {{ ref('stg_wj_major_disease') }}
    where confirmed_on <= {{ month_end() }}
),

chronic as (
    select distinct person_key
    from {{ ref('stg_yb_chronic') }}
    where
        period = {{ period() }}
        and begndate <= {{ month_end() }}
        and coalesce(enddate, 'infinity'::date) >= {{ month_end() }}
),

contract as (
    select distinct person_key
    from {{ ref('stg_wj_contract') }}
    where
        period = {{ period() }}
        and service_year = '{{ build_var("period")[:4] }}'::integer
        and signed_on <= {{ month_end() }}
)

select
    person.person_key,
    person.household_key,
    insured.person_key is not null as is_insured,
    coalesce(paid.out_of_pocket, 0) as out_of_pocket_ytd_amt,
    major.person_key is not null as has_major_illness,
    chronic.person_key is not null as has_chronic_registration,
    contract.person_key is not null as has_doctor_contract
from {{ ref('dim_person') }} as person
left join insured on person.person_key = insured.person_key
left join paid on person.person_key = paid.person_key
left join major on person.person_key = major.person_key
left join chronic on person.person_key = chronic.person_key
left join contract on person.person_key = contract.person_key
