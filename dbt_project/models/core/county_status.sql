-- A county is published when all files that hold it back were accepted for the month.
with accepted as (
    select
        county_code,
        period,
        count(distinct kind) as kinds
    from {{ source('ops', 'accepted_delivery') }}
    where
        kind in ({{ quoted(holds_back_kinds()) }})
        and known_at <= '{{ build_var("known_at") }}'::timestamptz
        and period in ({{ period() }}, {{ previous_period() }})
    group by county_code, period
)

select
    area.county_code,
    area.name_zh as county_name,
    coalesce(now.kinds = {{ holds_back_kinds() | length }}, false) as is_published,
    coalesce(before.kinds = {{ holds_back_kinds() | length }}, false) as was_complete
from {{ ref('dim_area') }} as area
left join accepted as now on area.county_code = now.county_code and now.period = {{ period() }}
left join accepted as before
    on area.county_code = before.county_code and before.period = {{ previous_period() }}
where area.level = 'county'
