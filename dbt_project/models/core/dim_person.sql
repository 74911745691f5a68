-- One row per person on file in a published county in the month, with what the family list says.
with death as (
    select
        person_key,
        min(died_on) as died_on
    from {{ ref('stg_mz_death') }}
    group by person_key
)

select
    link.person_key,
    link.household_key,
    link.county_code,
    link.method as link_method,
    link.score as link_score,
    link.households_claiming,
    person.sex,
    person.birth_date,
    person.ethnic_code,
    person.relation,
    person.education,
    person.school_status,
    person.health,
    person.labour,
    coalesce(person.status = '新增', false) as is_new_member,
    coalesce(death.died_on <= {{ month_end() }}, false) as is_deceased
from {{ ref('person_household') }} as link
inner join {{ ref('stg_county_person') }} as person
    on
        link.household_key = person.household_key
        and link.person_key = person.person_key
        and link.county_code = person.county_code
        and person.period = {{ period() }}
inner join {{ ref('dim_household') }} as household
    on link.household_key = household.household_key and link.county_code = household.county_code
left join death on link.person_key = death.person_key
