-- Insurance on the last day of the month, and what the household has paid itself since January.
with insured as (
    select distinct person_key
    from {{ ref('stg_yb_enrol') }}
    where
        period = {{ period() }}
        and psn_insu_stas = '1'
        and begntime <= {{ month_end() }}
        and coalesce(endtime, 'infinity'::date) >= {{ month_end() }}
),

paid as (
    select
        person_key,
        sum(coalesce(psn_part_amt, 0)) as out_of_pocket
    from {{ ref('stg_yb_settle') }}
    where settled_on between {{ year_start() }} and {{ month_end() }}
    group by person_key
)

select
    person.household_key,
    count(*) as persons_on_file,
    count(*) as insurable_persons,
    count(insured.person_key) as insured_persons,
    coalesce(sum(paid.out_of_pocket), 0) as out_of_pocket_ytd_amt,
    count(*) filter (where person.is_deceased) as deceased_members
from {{ ref('dim_person') }} as person
left join insured on person.person_key = insured.person_key
left join paid on person.person_key = paid.person_key
group by person.household_key
