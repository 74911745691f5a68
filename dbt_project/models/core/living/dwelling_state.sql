-- The dwelling of a household as of the month's end. The later of assessment and works decides its
-- grade; works that nobody graded leave it unknown. Damage counts until works follow it.
with dwelling as (
    select
        stated.household_key,
        stated.county_code,
        {{ source_row('county_dwelling', 'stated') }} as source_row,
        stated.has_house,
        stated.is_only_house,
        stated.grade_code,
        stated.grade_after_code,
        stated.assessed_on,
        stated.damaged_on,
        stated.works_done_on,
        coalesce(
            stated.works_done_on <= {{ month_end() }}
            and stated.works_done_on >= coalesce(stated.assessed_on, stated.works_done_on),
            false
        ) as is_graded_by_works,
        coalesce(
            stated.works_done_on between stated.damaged_on and {{ month_end() }}, false
        ) as is_repaired
    from {{ ref('stg_county_dwelling') }} as stated
    inner join {{ ref('dim_household') }} as household
        on
            stated.household_key = household.household_key
            and stated.county_code = household.county_code
    where stated.period = {{ period() }}
),

graded as (
    select
        dwelling.*,
        case
            when not coalesce(dwelling.has_house, true) then null
            when dwelling.is_graded_by_works then dwelling.grade_after_code
            else dwelling.grade_code
        end as grade,
        case
            when dwelling.is_graded_by_works then dwelling.works_done_on else dwelling.assessed_on
        end as graded_on
    from dwelling
)

select
    household_key,
    county_code,
    source_row,
    coalesce(has_house, true) as has_house,
    grade,
    graded_on,
    coalesce(grade in ('C', 'D'), false) as is_unsafe,
    damaged_on,
    case
        when not coalesce(has_house, true) then null
        when damaged_on is null or damaged_on > {{ month_end() }} then false
        when is_only_house is null then null
        else is_only_house and not is_repaired
    end as is_only_damaged
from graded
