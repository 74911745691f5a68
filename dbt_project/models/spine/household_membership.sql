-- Who belonged to which household from which month to which, by the family lists known at the
-- time.
--
-- A county's lists are numbered; a segment is a run of lists without a gap in which a household
-- names a person as present. Most people have one run per household, found by counting; only of
-- the others are the lists looked at one by one. How a segment began and ended is told from what
-- the same person's other segments, and the other members', show in the same list.
{% set most_rows = 10000000 %}
with file as (
    select
        counted.delivery_id,
        counted.county_code,
        counted.period,
        counted.known_at,
        row_number() over (partition by counted.county_code order by counted.period) as file_no,
        count(*) over (partition by counted.county_code) as files
    from (
        {{ counted_deliveries('county_person') }}
    ) as counted
),

listed as (
    select
        listing.person_key,
        listing.household_key,
        file.county_code,
        file.file_no,
        listing.row_no
    from {{ ref('linked_listing') }} as listing
    inner join file on listing.delivery_id = file.delivery_id
    inner join {{ ref('ref_person_status') }} as known_status
        on listing.status = known_status.status and known_status.is_present
),

span as (
    select
        person_key,
        household_key,
        county_code,
        min(file_no) as first_no,
        max(file_no) as last_no,
        -- Where it is named first: a list, and a row of that.
        min(file_no * {{ most_rows }} + row_no) as first_at,
        count(distinct file_no) as times
    from listed
    group by person_key, household_key, county_code
),

run as (
    select
        person_key,
        household_key,
        county_code,
        first_no,
        last_no,
        first_at
    from span
    where times = last_no - first_no + 1
    union all
    select
        person_key,
        household_key,
        county_code,
        min(file_no) as first_no,
        max(file_no) as last_no,
        min(file_no * {{ most_rows }} + row_no) as first_at
    from (
        select
            listed.person_key,
            listed.household_key,
            listed.county_code,
            listed.file_no,
            listed.row_no,
            listed.file_no - dense_rank() over (
                partition by listed.person_key, listed.household_key, listed.county_code
                order by listed.file_no
            ) as island
        from listed
        inner join span
            on
                listed.person_key = span.person_key
                and listed.household_key = span.household_key
                and listed.county_code = span.county_code
        where span.times <> span.last_no - span.first_no + 1
    ) as gapped
    group by person_key, household_key, county_code, island
),

ordered as (
    select
        run.person_key,
        run.household_key,
        run.county_code,
        run.first_no,
        run.last_no,
        run.first_at % {{ most_rows }} as first_row_no,
        first_file.period as valid_from,
        first_file.known_at as known_from,
        last_file.period as last_listed,
        case when run.last_no < last_file.files then last_file.period end as valid_to,
        next_file.known_at as end_known_from,
        next_file.delivery_id as next_delivery_id,
        row_number() over person as segment_no,
        lag(run.household_key) over person as earlier_household_key,
        lag(run.county_code) over person as earlier_county_code,
        lag(last_file.period) over person as earlier_valid_to,
        lead(run.household_key) over person as later_household_key,
        lead(run.county_code) over person as later_county_code,
        lead(first_file.period) over person as later_valid_from
    from run
    inner join file as first_file
        on run.county_code = first_file.county_code and run.first_no = first_file.file_no
    inner join file as last_file
        on run.county_code = last_file.county_code and run.last_no = last_file.file_no
    left join file as next_file
        on run.county_code = next_file.county_code and run.last_no + 1 = next_file.file_no
    window person as (
        partition by run.person_key
        order by first_file.period, last_file.period, run.county_code, run.first_at
    )
),

segment as (
    -- Who is in two households' lists at once has not moved: the second one claims him too.
    select
        ordered.*,
        case
            when ordered.earlier_valid_to < ordered.valid_from then ordered.earlier_household_key
        end as previous_household_key,
        case when ordered.earlier_valid_to < ordered.valid_from then ordered.earlier_county_code end
            as previous_county_code,
        coalesce(ordered.earlier_valid_to >= ordered.valid_from, false) as is_second_claim
    from ordered
),

move as (
    select
        previous_household_key as from_household_key,
        previous_county_code as from_county_code,
        household_key as to_household_key,
        county_code,
        valid_from,
        first_no
    from segment
    where
        previous_household_key is not null
        and (previous_household_key <> household_key or previous_county_code <> county_code)
    group by
        previous_household_key,
        previous_county_code,
        household_key,
        county_code,
        valid_from,
        first_no
),

witnessed as (
    -- Whom the move left behind, as far as the list of that month is there, and who was there in
    -- the list before it.
    select
        move.*,
        exists(
            select 1
            from segment as member
            where
                member.household_key = move.from_household_key
                and member.county_code = move.from_county_code
                and member.valid_from <= move.valid_from
                and member.last_listed >= move.valid_from
        ) as has_left,
        exists(
            select 1
            from segment as member
            where
                member.household_key = move.to_household_key
                and member.county_code = move.county_code
                and member.first_no < move.first_no
                and member.last_no >= move.first_no - 1
        ) as has_there
    from move
),

counted as (
    select
        witnessed.*,
        count(*) over departure as ways,
        count(*) filter (where not witnessed.has_there) over departure as new_households,
        count(*) filter (where not witnessed.has_left) over (
            partition by
                witnessed.to_household_key, witnessed.county_code, witnessed.valid_from
        ) as whole_households
    from witnessed
    window departure as (
        partition by
            witnessed.from_household_key, witnessed.from_county_code, witnessed.valid_from
    )
),

judged as (
    select
        counted.*,
        counted.has_left
        or (counted.has_there and counted.ways > 1)
        or (not counted.has_there and counted.new_households > 1) as leaves_some,
        counted.has_there
        or (not counted.has_left and counted.whole_households > 1) as joins_some
    from counted
),

judged_move as (
    -- Nobody left behind and nobody there before: the same household under another number, or in
    -- another county. One that goes apart into several new ones is split; several that go up
    -- together in a new one are merged.
    select
        judged.from_household_key,
        judged.from_county_code,
        judged.to_household_key,
        judged.county_code,
        judged.valid_from,
        case
            when judged.leaves_some and judged.joins_some then 'moved'
            when judged.leaves_some then 'split'
            when judged.joins_some then 'merged'
            when judged.from_county_code <> judged.county_code then 'relocated'
            else 'renumbered'
        end as kind
    from judged
),

farewell as (
    select distinct on (segment.person_key, segment.segment_no)
        segment.person_key,
        segment.segment_no,
        listing.status
    from segment
    inner join {{ ref('linked_listing') }} as listing
        on
            segment.next_delivery_id = listing.delivery_id
            and segment.person_key = listing.person_key
            and segment.household_key = listing.household_key
    where segment.valid_to is not null
    order by segment.person_key, segment.segment_no, listing.status
)

select
    segment.person_key,
    segment.household_key,
    segment.county_code,
    segment.segment_no::integer as segment_no,
    segment.valid_from,
    segment.valid_to,
    segment.known_from,
    segment.end_known_from,
    segment.first_row_no,
    case
        when segment.is_second_claim then 'claimed_twice'
        when arrival.kind is not null then arrival.kind
        when segment.segment_no > 1 then 'returned'
        when segment.first_no = 1 then 'first_file'
        else 'joined'
    end as begun_by,
    case
        when segment.valid_to is null then null
        when departure.kind is not null then departure.kind
        when farewell.status = '死亡' then 'died'
        when farewell.status = '迁出' then 'moved_out'
        else 'left'
    end as ended_by,
    arrival.from_household_key,
    departure.to_household_key
from segment
left join judged_move as arrival
    on
        segment.previous_household_key = arrival.from_household_key
        and segment.previous_county_code = arrival.from_county_code
        and segment.household_key = arrival.to_household_key
        and segment.county_code = arrival.county_code
        and segment.valid_from = arrival.valid_from
left join judged_move as departure
    on
        segment.valid_to is not null
        and segment.household_key = departure.from_household_key
        and segment.county_code = departure.from_county_code
        and segment.later_household_key = departure.to_household_key
        and segment.later_county_code = departure.county_code
        and segment.later_valid_from = departure.valid_from
left join farewell
    on segment.person_key = farewell.person_key and segment.segment_no = farewell.segment_no
