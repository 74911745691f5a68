-- People whom the lists of the month describe in two ways: one number in two households or
-- counties, or two numbers with one birth date, sex and household. For the counties to clear up;
-- two numbers that are one person become one with ./warehouse link merge.
with present as (
    select
        person_key,
        household_key,
        county_code,
        sex,
        birth_date,
        relation,
        row_no
    from {{ ref('stg_county_person') }}
    where period = {{ period() }} and is_present
),

claimed as (
    select
        person_key,
        case when count(distinct county_code) > 1 then 'two_counties' else 'two_households' end
            as conflict,
        count(distinct household_key) as households,
        array_agg(distinct household_key order by household_key) as household_keys,
        min(county_code) as county_code
    from present
    group by person_key
    having count(distinct household_key) > 1
)

select
    conflict,
    person_key,
    null::text as other_person_key,
    county_code,
    households,
    household_keys
from claimed
union all
select
    'two_numbers' as conflict,
    one.person_key,
    other.person_key as other_person_key,
    one.county_code,
    1 as households,
    array[one.household_key] as household_keys
from present as one
inner join present as other
    on
        one.household_key = other.household_key
        and one.county_code = other.county_code
        and one.birth_date = other.birth_date
        and one.sex = other.sex
        and one.relation = other.relation
        and one.row_no < other.row_no
