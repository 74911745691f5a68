-- Who lives where in the month. A person whom two households list belongs to the one whose row
-- sorts first: which is right is for the counties to say; until then every figure counts him once.
select distinct on (person_key)
    person_key,
    household_key,
    county_code,
    'resident_id' as method,
    1.0::numeric as score,
    count(*) over (partition by person_key) as households_claiming
from {{ ref('stg_county_person') }}
where
    period = {{ period() }}
    and is_present
order by person_key, county_code, household_key
