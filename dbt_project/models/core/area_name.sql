-- Every name under which a file may name an area, once: its own name, aliases and old names, and
-- for a village the stem of its name. A village's name holds within a township; what could mean
-- two areas is no name.
with village as (
    select
        village.area_code,
        village.county_code,
        village.parent_code,
        {{ area_stem('village.name_zh', 'village.township_name') }} as stem
    from {{ ref('dim_area') }} as village
    where village.level = 'village'
),

named as (
    select
        area.level,
        area.county_code,
        case when area.level = 'village' then area.parent_code else '' end as township_code,
        area.name_zh as name,
        area.area_code,
        'own_name' as method,
        1 as preference
    from {{ ref('dim_area') }} as area
    where area.level in ('township', 'village')
    union all
    select
        alias.level,
        alias.county_code,
        coalesce(alias.township_code, '') as township_code,
        alias.alias as name,
        alias.area_code,
        alias.kind as method,
        2 as preference
    from {{ ref('ref_area_alias') }} as alias
    union all
    select
        'village' as level,
        county_code,
        parent_code as township_code,
        stem as name,
        min(area_code) as area_code,
        'other_spelling' as method,
        3 as preference
    from village
    group by county_code, parent_code, stem
    having count(*) = 1
)

select distinct on (level, county_code, township_code, name)
    level,
    county_code,
    township_code,
    name,
    area_code,
    method
from named
order by level, county_code, township_code, name, preference, area_code
