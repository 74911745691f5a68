-- How the rows of the month's deliveries were linked to people, by kind and county of the delivery.
with linked as (
    select
        kind,
        county_code,
        count(*) filter (where method = 'resident_id') as resident_id_rows,
        count(*) filter (where method = 'splink') as splink_rows,
        count(*) filter (where method = 'decision') as decision_rows,
        count(*) filter (where method = 'review') as review_rows,
        count(*) filter (where method = 'provisional') as provisional_rows,
        0::bigint as unlinked_rows
    from {{ ref('person_link') }}
    where period = {{ period() }}
    group by kind, county_code
    union all
    select
        kind,
        county_code,
        0 as resident_id_rows,
        0 as splink_rows,
        0 as decision_rows,
        0 as review_rows,
        0 as provisional_rows,
        count(*) as unlinked_rows
    from {{ ref('quarantine') }}
    where period = {{ period() }} and defect_code = 'D04'
    group by kind, county_code
),

counted as (
    select
        kind,
        county_code,
        sum(resident_id_rows) as resident_id_rows,
        sum(splink_rows) as splink_rows,
        sum(decision_rows) as decision_rows,
        sum(review_rows) as review_rows,
        sum(provisional_rows) as provisional_rows,
        sum(unlinked_rows) as unlinked_rows
    from linked
    group by kind, county_code
)

select
    kind,
    county_code,
    resident_id_rows + splink_rows + decision_rows + review_rows + provisional_rows
    + unlinked_rows as person_rows,
    resident_id_rows,
    splink_rows,
    decision_rows,
    review_rows,
    provisional_rows,
    unlinked_rows
from counted
