-- Who lives where in the month. A person whom two households list belongs to the one that had him
-- before: one that lists him as a new member waits until the other reports that he
-- has moved. Every figure counts him once; the conflict is listed in identity_conflict.
select distinct on (person.person_key)
    person.person_key,
    person.household_key,
    person.county_code,
    coalesce(link.method, 'resident_id') as method,
    coalesce(link.score, case when link.method is null then 1.0 end)::numeric as score,
    count(*) over (partition by person.person_key) as households_claiming
from {{ ref('stg_county_person') }} as person
left join {{ source('vault', 'person_link') }} as link
    on
        person.delivery_id = link.delivery_id
        and person.row_no = link.row_no
        and link.column_name = 'cert_no'
where
    person.period = {{ period() }}
    and person.is_present
order by
    person.person_key,
    coalesce(person.status = '新增', false),
    person.county_code,
    person.household_key
