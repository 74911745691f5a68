-- One row per person on file in a published county in the month.
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
    person.sex,
    extract(year from person.birth_date)::integer as birth_year,
    person.ethnic_code,
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
