-- People who are known to be dead and whom other records treat as living. A payment for
-- the month of the death is due; one for a later month is not.
with death as (
    select
        person_key,
        died_on,
        source_rows
    from {{ ref('known_death') }}
    where died_on <= {{ month_end() }}
),

last_listed as (
    -- Where the county lists or listed the person, now or a month ago, gone or not.
    select distinct on (person_key)
        person_key,
        household_key,
        county_code
    from {{ ref('stg_county_person') }}
    where period in ({{ period() }}, {{ previous_period() }})
    order by person_key asc, period desc, county_code asc, row_no asc
),

benefit as (
    select
        'deceased_paid_tekun' as case_type,
        support.person_key,
        support.register_county_code,
        support.amount_m as amount,
        {{ source_row('mz_tekun', 'support') }} as source_row
    from {{ ref('stg_mz_tekun') }} as support
    where
        support.start_ym <= {{ period() }}
        and (support.end_ym is null or support.end_ym > {{ period() }})
    union all
    select
        'deceased_paid_disability' as case_type,
        subsidy.person_key,
        subsidy.register_county_code,
        coalesce(subsidy.living_subsidy_m, 0) + coalesce(subsidy.care_subsidy_m, 0) as amount,
        {{ source_row('mz_disab_subsidy', 'subsidy') }} as source_row
    from {{ ref('stg_mz_disab_subsidy') }} as subsidy
    where
        subsidy.start_ym <= {{ period() }}
        and (subsidy.end_ym is null or subsidy.end_ym > {{ period() }})
    union all
    select
        'deceased_paid_orphan' as case_type,
        child.person_key,
        child.register_county_code,
        child.amount_m as amount,
        {{ source_row('mz_orphan', 'child') }} as source_row
    from {{ ref('stg_mz_orphan') }} as child
    where
        child.start_ym <= {{ period() }}
        and (child.end_ym is null or child.end_ym > {{ period() }})
    union all
    select
        'deceased_paid_welfare_post' as case_type,
        post.person_key,
        post.county_code as register_county_code,
        post.paid_amt as amount,
        {{ source_row('county_welfare_post', 'post') }} as source_row
    from {{ ref('stg_county_welfare_post') }} as post
    where post.period = {{ period() }}
),

person_case as (
    select
        benefit.case_type,
        benefit.person_key,
        min(benefit.register_county_code) as register_county_code,
        sum(benefit.amount)::text as right_value,
        {{ source_rows('benefit.source_row') }} as right_rows
    from benefit
    inner join death on benefit.person_key = death.person_key
    where death.died_on < {{ month_start() }} and benefit.amount > 0
    group by benefit.case_type, benefit.person_key
    union all
    -- Where nobody is left on the certificate it is a case of the household, below.
    select
        'deceased_covered_dibao' as case_type,
        member.person_key,
        min(certificate.county_code) as register_county_code,
        min(certificate.start_ym) as right_value,
        {{ source_rows(source_row('mz_dibao_member', 'member')) }} as right_rows
    from {{ ref('stg_mz_dibao_member') }} as member
    inner join {{ ref('dibao_certificate') }} as certificate on member.cert_no = certificate.cert_no
    inner join death on member.person_key = death.person_key
    where
        coalesce(member.covered, false)
        and certificate.is_in_force
        and certificate.living_members > 0
        and death.died_on < {{ month_start() }}
    group by member.person_key
    union all
    select
        'deceased_on_file' as case_type,
        listed.person_key,
        min(listed.county_code) as register_county_code,
        min(listed.status) as right_value,
        {{ source_rows(source_row('county_person', 'listed')) }} as right_rows
    from {{ ref('stg_county_person') }} as listed
    inner join {{ ref('dim_person') }} as person
        on
            listed.person_key = person.person_key
            and listed.household_key = person.household_key
            and listed.county_code = person.county_code
    inner join death on listed.person_key = death.person_key
    where listed.period = {{ period() }}
    group by listed.person_key
)

select
    case_of.case_type,
    case_of.person_key as case_key,
    'person' as subject,
    case_of.person_key,
    last_listed.household_key,
    coalesce(last_listed.county_code, case_of.register_county_code) as county_code,
    death.died_on::text as left_value,
    case_of.right_value,
    death.source_rows as left_rows,
    case_of.right_rows
from person_case as case_of
inner join death on case_of.person_key = death.person_key
left join last_listed on case_of.person_key = last_listed.person_key
union all
select
    'deceased_paid_dibao' as case_type,
    certificate.household_key as case_key,
    'household' as subject,
    null::text as person_key,
    certificate.household_key,
    certificate.county_code,
    max(certificate.last_died_on)::text as left_value,
    sum(certificate.paid_amt)::text as right_value,
    {{ source_rows('certificate.death_rows[1]') }} as left_rows,
    {{ source_rows('certificate.payment_rows[1]') }} as right_rows
from {{ ref('dibao_certificate') }} as certificate
where
    certificate.covered_members > 0
    and certificate.living_members = 0
    and certificate.paid_amt > 0
group by certificate.household_key, certificate.county_code
