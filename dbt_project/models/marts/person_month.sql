-- The person's own figures of a household's sums in household_month. Illness is told by whether
-- there is one, never by which.
{%- set lists = ['relation', 'education', 'school_status', 'health', 'labour'] %}
with employment_status as (
    {{ county_data_status('county_employment') }}
),

post_status as (
    {{ county_data_status('county_welfare_post') }}
),

listed_code as (
    select
        listed.code_system,
        listed.code
    from {{ ref('ref_code') }} as listed
    where listed.source = 'county' and {{ in_effect('listed') }}
),

household_type as (
    select
        household_type,
        bool_or(is_ex_poor) as is_ex_poor
    from {{ ref('ref_household_type') }}
    group by household_type
),

aged as (
    select
        person.*,
        case
            when person.birth_date <= {{ month_end() }}
                then extract(year from age({{ month_end() }}, person.birth_date))::integer
        end as age
    from {{ ref('dim_person') }} as person
),

post as (
    select distinct
        person_key,
        county_code
    from {{ ref('stg_county_welfare_post') }}
    where
        period = {{ period() }}
        and coalesce(ended_on > {{ month_end() }}, true)
),

alert as (
    select
        person_key,
        count(*) as open_alerts
    from {{ ref('risk_alert') }}
    where subject = 'person' and state <> 'closed'
    group by person_key
)

select
    {{ period() }}::text as period,
    person.person_key,
    person.household_key,
    person.county_code,
    household.township_code,
    household.village_code,
    coalesce(household_type.is_ex_poor, false) as is_ex_poor,
    household.monitor_category,
    household.monitor_status,
    band.age_band,
    person.sex,
    {%- for column in lists %}
    case
        when person.{{ column }} is not null then coalesce({{ column }}_list.code, 'unmapped')
    end as {{ column }}_code,
    {%- endfor %}
    schooling.state as schooling_state,
    person.is_new_member,
    person.is_deceased,
    health.is_insured,
    health.out_of_pocket_ytd_amt,
    health.has_major_illness,
    health.has_chronic_registration,
    health.has_doctor_contract,
    assistance.is_dibao_covered,
    assistance.is_tekun,
    assistance.is_orphan,
    assistance.temp_aid_12m_count::integer as temp_aid_12m_count,
    assistance.temp_aid_12m_amt,
    assistance.has_disability_certificate,
    assistance.disability_grade,
    assistance.disability_subsidy_amt,
    case
        when employment_status.data_status = 'published' then job.person_key is not null
    end as is_on_work_list,
    job.is_employed,
    case
        when job.is_employed then coalesce(job.place_code, 'unknown')
        when not job.is_employed then 'not_working'
    end as work_place,
    job.months_last_6::integer as work_months_last_6,
    case
        when post_status.data_status = 'published' then post.person_key is not null
    end as has_welfare_post,
    coalesce(alert.open_alerts, 0)::integer as open_alerts,
    person.link_method,
    person.link_score,
    person.households_claiming::integer as households_claiming
from aged as person
inner join {{ ref('dim_household') }} as household
    on person.household_key = household.household_key
inner join {{ ref('person_health') }} as health on person.person_key = health.person_key
inner join {{ ref('person_assistance') }} as assistance
    on person.person_key = assistance.person_key
inner join employment_status on person.county_code = employment_status.county_code
inner join post_status on person.county_code = post_status.county_code
left join {{ ref('ref_age_band') }} as band
    on
        person.age >= band.from_age
        and person.age <= coalesce(band.to_age, person.age)
left join household_type on household.household_type = household_type.household_type
{%- for column in lists %}
left join listed_code as {{ column }}_list
    on
        person.{{ column }} = {{ column }}_list.code
        and {{ column }}_list.code_system = '{{ column }}'
{%- endfor %}
left join {{ ref('schooling_state') }} as schooling on person.person_key = schooling.person_key
left join {{ ref('job_month') }} as job
    on person.person_key = job.person_key and person.county_code = job.county_code
left join post on person.person_key = post.person_key and person.county_code = post.county_code
left join alert on person.person_key = alert.person_key
