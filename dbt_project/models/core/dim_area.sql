-- County, township and village by NBS code, with the names that county files use. Civil affairs has
-- codes of its own for townships: mca_township_code, never to be joined with the NBS ones.
with area as (
    select * from {{ ref('ref_area') }}
)

select
    area.area_code,
    area.level,
    area.name_zh,
    area.parent_code,
    substr(area.area_code, 1, 6) as county_code,
    county.name_zh as county_name,
    case area.level when 'village' then parent.name_zh when 'township' then area.name_zh end
        as township_name,
    area.mca_township_code
from area
left join area as parent on area.parent_code = parent.area_code
left join area as county
    on
        county.level = 'county'
        and substr(area.area_code, 1, 6) || '000000' = county.area_code
