-- Insurance on the last day of the month, and what the household has paid itself since January.
select
    person.household_key,
    count(*) as persons_on_file,
    count(*) as insurable_persons,
    count(*) filter (where health.is_insured) as insured_persons,
    sum(health.out_of_pocket_ytd_amt) as out_of_pocket_ytd_amt,
    count(*) filter (where person.is_deceased) as deceased_members
from {{ ref('dim_person') }} as person
inner join {{ ref('person_health') }} as health on person.person_key = health.person_key
group by person.household_key
