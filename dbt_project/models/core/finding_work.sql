-- Contradictions between the employment list, the family lists and the measures.
with job as (
    select
        job.*,
        household.monitored_ym
    from {{ ref('stg_county_employment') }} as job
    inner join {{ ref('dim_household') }} as household
        on job.household_key = household.household_key and job.county_code = household.county_code
    where job.period = {{ period() }}
),

delivered as (
    select distinct county_code
    from job
),

student as (
    select distinct on (person.person_key, person.household_key, person.county_code)
        person.person_key,
        person.household_key,
        person.county_code,
        person.school_status
    from {{ ref('stg_county_person') }} as person
    where
        person.period = {{ period() }} and person.is_present and person.school_status is not null
    order by person.person_key, person.household_key, person.county_code, person.row_no
),

found as (
    select
        rule.rule_code,
        'person'::text as subject,
        job.person_key,
        job.household_key,
        job.county_code,
        job.delivery_id,
        job.row_no
    from job
    inner join student
        on
            job.person_key = student.person_key
            and job.household_key = student.household_key
            and job.county_code = student.county_code
    inner join {{ cross_rule('X09') }} as rule
        on student.school_status <> all(string_to_array(rule.param_text, ','))
    where job.is_employed
    union all
    select
        rule.rule_code,
        'person'::text as subject,
        job.person_key,
        job.household_key,
        job.county_code,
        job.delivery_id,
        job.row_no
    from job
    inner join {{ cross_rule('X10') }} as rule on true
    where
        not job.is_employed
        and job.started_on is not null
        and coalesce(job.ended_on > {{ month_end() }}, true)
),

sent as (
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        min(measure.delivery_id) as delivery_id,
        min(measure.row_no) as row_no
    from {{ ref('dim_household') }} as household
    inner join delivered on household.county_code = delivered.county_code
    inner join {{ ref('stg_county_measure') }} as measure
        on
            household.household_key = measure.household_key
            and household.county_code = measure.county_code
            and measure.period = {{ period() }}
    inner join {{ cross_rule('X11') }} as rule
        on
            measure.measure_type = split_part(rule.param_text, ',', 1)
            and measure.measure_detail = split_part(rule.param_text, ',', 2)
    where
        household.monitor_status = 'in_force'
        and not exists (
            select 1
            from job
            where
                job.household_key = household.household_key
                and job.county_code = household.county_code
                and job.started_on >= (household.monitored_ym || '-01')::date
        )
    group by rule.rule_code, household.household_key, household.county_code
)

select
    found.rule_code,
    found.subject,
    found.person_key as subject_key,
    found.person_key,
    found.household_key,
    found.county_code,
    null::numeric as value,
    {{ rows_of('county_employment', 'found') }} as source_rows
from found
group by
    found.rule_code, found.subject, found.person_key, found.household_key, found.county_code
union all
select
    sent.rule_code,
    'household'::text as subject,
    sent.household_key as subject_key,
    null::text as person_key,
    sent.household_key,
    sent.county_code,
    null::numeric as value,
    array['county_measure/' || sent.delivery_id || '/' || sent.row_no] as source_rows
from sent
