-- Areas as they were: each code with its name from when to when. dim_area holds today's alone. An
-- unknown beginning or end is null; valid_to is the first day on which it no longer held.
with begun as (
    -- A village that others were merged into was there before.
    select
        new_code,
        max(effective_on) as effective_on
    from {{ ref('ref_area_change') }}
    where new_code is not null and not (level = 'village' and kind = 'merge')
    group by new_code
)

select
    area.area_code,
    area.level,
    area.name_zh,
    area.county_code,
    area.parent_code,
    begun.effective_on as valid_from,
    null::date as valid_to,
    true as is_current,
    null::text as change_kind,
    null::text as successor_codes
from {{ ref('dim_area') }} as area
left join begun on area.area_code = begun.new_code
union all
select
    change.old_code as area_code,
    change.level,
    change.old_name as name_zh,
    substr(change.old_code, 1, 6) as county_code,
    case change.level
        when 'village' then substr(change.old_code, 1, 9) || '000'
        else substr(change.old_code, 1, 6) || '000000'
    end as parent_code,
    null::date as valid_from,
    min(change.effective_on) as valid_to,
    false as is_current,
    min(change.kind) as change_kind,
    string_agg(change.new_code, ' ' order by change.new_code) as successor_codes
from {{ ref('ref_area_change') }} as change
where change.old_code is not null
group by change.old_code, change.old_name, change.level
