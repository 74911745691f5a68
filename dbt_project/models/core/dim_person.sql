-- One row per person on file in a published county in the month, with what the family list says.
with known as (
    select
        person_key,
        max(value) filter (where attribute = 'sex') as sex,
        max(value) filter (where attribute = 'birth_date') as birth_date,
        max(value) filter (where attribute = 'ethnic_code') as ethnic_code,
        max(value) filter (where attribute = 'death_date') as died_on,
        max(value) filter (where attribute = 'disability_grade') as disability_grade
    from {{ ref('person_attribute') }}
    group by person_key
)

select
    link.person_key,
    link.household_key,
    link.county_code,
    link.row_no,
    link.method as link_method,
    link.score as link_score,
    link.households_claiming,
    known.sex,
    known.birth_date::date as birth_date,
    known.ethnic_code,
    known.disability_grade,
    person.relation,
    person.education,
    person.school_status,
    person.health,
    person.labour,
    link.source = 'county_person_new' as is_new_member,
    known.died_on is not null as is_deceased
from {{ ref('person_household') }} as link
inner join {{ ref('stg_county_person') }} as person
    on
        link.household_key = person.household_key
        and link.person_key = person.person_key
        and link.county_code = person.county_code
        and person.period = {{ period() }}
inner join {{ ref('dim_household') }} as household
    on link.household_key = household.household_key and link.county_code = household.county_code
left join known on link.person_key = known.person_key
