-- One row per person on a published county's list of workers. A person whom his county lists in two
-- households is taken from the household he is on file in, else from the row that comes first. He
-- has lost his job when it ended in the month and none was begun after it.
select distinct on (job.county_code, job.person_key)
    job.person_key,
    person.household_key,
    job.county_code,
    job.period,
    job.delivery_id,
    job.row_no,
    coalesce(job.is_employed, false) as is_employed,
    coalesce(job.is_planned, false) as is_planned,
    job.channel_code,
    job.place_code,
    job.ended_on,
    job.months_last_6,
    job.wage_m,
    job.wage_arrears,
    coalesce(
        not coalesce(job.is_employed, false)
        and job.ended_on between {{ month_start() }} and {{ month_end() }}
        and (job.started_on is null or job.started_on <= job.ended_on),
        false
    ) as is_job_lost
from {{ ref('stg_county_employment') }} as job
inner join {{ ref('county_status') }} as status
    on job.county_code = status.county_code and status.is_published
left join {{ ref('dim_person') }} as person
    on job.person_key = person.person_key and job.county_code = person.county_code
where job.period = {{ period() }}
order by
    job.county_code asc,
    job.person_key asc,
    coalesce(job.household_key = person.household_key, false) desc,
    job.row_no asc
