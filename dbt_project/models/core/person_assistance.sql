-- What civil affairs grant to each person on file in the month.
with dibao as (
    select distinct member.person_key
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join {{ ref('stg_mz_dibao_family') }} as family on member.cert_no = family.cert_no
    where
        coalesce(member.covered, false)
        and family.start_ym <= {{ period() }}
        and (family.end_ym is null or family.end_ym > {{ period() }})
),

tekun as (
    select distinct person_key
    from {{ ref('stg_mz_tekun') }}
    where start_ym <= {{ period() }} and (end_ym is null or end_ym > {{ period() }})
),

orphan as (
    select distinct person_key
    from {{ ref('stg_mz_orphan') }}
    where start_ym <= {{ period() }} and (end_ym is null or end_ym > {{ period() }})
),

aid as (
    select
        person_key,
        count(*) as granted,
        sum(amount) as amount
    from {{ ref('stg_mz_temp_aid') }}
    where approved_on between {{ year_back_start() }} and {{ month_end() }}
    group by person_key
),

subsidy as (
    -- The subsidies of a certificate run from start_ym to before end_ym.
    select
        person_key,
        coalesce(bool_or(living_subsidy_m > 0 and start_ym <= {{ period() }}), false)
            as has_living_subsidy,
        coalesce(bool_or(care_subsidy_m > 0 and start_ym <= {{ period() }}), false)
            as has_care_subsidy,
        sum(
            coalesce(living_subsidy_m, 0) + coalesce(care_subsidy_m, 0)
        ) filter (where start_ym <= {{ period() }}) as subsidy_amt
    from {{ ref('stg_mz_disab_subsidy') }}
    where
        issued_on <= {{ month_end() }}
        and disability_grade ~ '^[1-4]$'
        and (end_ym is null or end_ym > {{ period() }})
    group by person_key
)

select
    person.person_key,
    person.household_key,
    dibao.person_key is not null as is_dibao_covered,
    tekun.person_key is not null as is_tekun,
    orphan.person_key is not null as is_orphan,
    coalesce(aid.granted, 0) as temp_aid_12m_count,
    coalesce(aid.amount, 0) as temp_aid_12m_amt,
    person.disability_grade is not null as has_disability_certificate,
    person.disability_grade,
    coalesce(subsidy.has_living_subsidy, false) as has_living_subsidy,
    coalesce(subsidy.has_care_subsidy, false) as has_care_subsidy,
    coalesce(subsidy.subsidy_amt, 0) as disability_subsidy_amt
from {{ ref('dim_person') }} as person
left join dibao on person.person_key = dibao.person_key
left join tekun on person.person_key = tekun.person_key
left join orphan on person.person_key = orphan.person_key
left join aid on person.person_key = aid.person_key
left join subsidy on person.person_key = subsidy.person_key
