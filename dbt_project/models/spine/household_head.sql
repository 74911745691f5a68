-- Who headed a household from which month to which: runs of lists that name the same head. When a
-- head dies or moves away another member takes the place; the household stays the same.
with file as (
    select
        counted.delivery_id,
        counted.county_code,
        counted.period,
        counted.known_at,
        row_number() over (partition by counted.county_code order by counted.period) as file_no
    from (
        {{ counted_deliveries('county_person') }}
    ) as counted
),

head as (
    -- Two heads in one list: the one who is listed first, until the county decides.
    select
        listing.household_key,
        file.county_code,
        file.file_no,
        (array_agg(listing.person_key order by listing.row_no))[1] as person_key
    from {{ ref('linked_listing') }} as listing
    inner join file on listing.delivery_id = file.delivery_id
    inner join {{ ref('ref_person_status') }} as known_status
        on listing.status = known_status.status and known_status.is_present
    where listing.relation = '01'
    group by listing.household_key, file.county_code, file.file_no
),

changed as (
    select
        head.*,
        coalesce(lag(head.person_key) over household <> head.person_key, true) as is_start,
        lag(head.person_key) over household as previous_person_key
    from head
    window household as (
        partition by head.household_key, head.county_code order by head.file_no
    )
),

started as (
    select
        changed.household_key,
        changed.county_code,
        changed.person_key,
        changed.previous_person_key,
        changed.file_no,
        lead(changed.file_no) over household as next_no,
        (row_number() over household)::integer as head_no
    from changed
    where changed.is_start
    window household as (
        partition by changed.household_key, changed.county_code order by changed.file_no
    )
)

select
    started.household_key,
    started.county_code,
    started.head_no,
    started.person_key,
    started.previous_person_key,
    first_file.period as valid_from,
    last_file.period as valid_to,
    first_file.known_at as known_from
from started
inner join file as first_file
    on started.county_code = first_file.county_code and started.file_no = first_file.file_no
left join file as last_file
    on started.county_code = last_file.county_code and started.next_no - 1 = last_file.file_no
