-- The township and village that a county's household file means by the names it writes, found in
-- this order: the name as it stands (of today, an alias, an old one), then its stem. An unknown
-- township still finds a village that is the only one of its name in the county.
with written as (
    select distinct
        county_code,
        township,
        village
    from {{ ref('stg_county_household') }}
    where period = {{ period() }}
),

single_village as (
    select
        county_code,
        name,
        min(area_code) as village_code
    from {{ ref('area_name') }}
    where level = 'village'
    group by county_code, name
    having count(distinct area_code) = 1
)

select
    written.county_code,
    written.township,
    written.village,
    coalesce(township.area_code, substr(single_village.village_code, 1, 9) || '000')
        as township_code,
    coalesce(village.area_code, spelling.area_code, single_village.village_code) as village_code,
    coalesce(township.method, 'unknown') as township_method,
    case
        when village.area_code is not null then village.method
        when spelling.area_code is not null then spelling.method
        when single_village.village_code is not null then 'only_one_in_county'
        else 'unknown'
    end as village_method
from written
left join {{ ref('area_name') }} as township
    on
        township.level = 'township'
        and written.county_code = township.county_code
        and written.township = township.name
left join {{ ref('area_name') }} as village
    on
        village.level = 'village'
        and written.county_code = village.county_code
        and township.area_code = village.township_code
        and written.village = village.name
left join {{ ref('area_name') }} as spelling
    on
        spelling.level = 'village'
        and spelling.method = 'other_spelling'
        and written.county_code = spelling.county_code
        and township.area_code = spelling.township_code
        and {{ area_stem('written.village', 'written.township') }} = spelling.name
left join single_village
    on
        township.area_code is null
        and written.county_code = single_village.county_code
        and written.village = single_village.name
