-- A county is published when all files that hold it back were accepted for the month. While it is
-- held back, its latest month that was complete by then is there to show.
with complete as (
    select
        accepted.county_code,
        accepted.period,
        (max(arrival.modified_at) at time zone 'Asia/Shanghai')::date as sent_on
    from {{ source('ops', 'accepted_delivery') }} as accepted
    left join {{ source('ops', 'arrival') }} as arrival
        on
            accepted.delivery_id = arrival.delivery_id
            and arrival.received_at <= '{{ build_var("known_at") }}'::timestamptz
    where
        accepted.kind in ({{ quoted(holds_back_kinds()) }})
        and accepted.known_at <= '{{ build_var("known_at") }}'::timestamptz
        and accepted.period <= {{ period() }}
    group by accepted.county_code, accepted.period
    having count(distinct accepted.kind) = {{ holds_back_kinds() | length }}
)

select
    area.county_code,
    area.name_zh as county_name,
    coalesce(bool_or(complete.period = {{ period() }}), false) as is_published,
    coalesce(bool_or(complete.period = {{ previous_period() }}), false) as was_complete,
    max(complete.period) as shown_period,
    (array_agg(complete.sent_on order by complete.period desc))[1] as shown_sent_on
from {{ ref('dim_area') }} as area
left join complete on area.county_code = complete.county_code
where area.level = 'county'
group by area.county_code, area.name_zh
