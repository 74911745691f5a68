-- Every name under which a file may name an area, once: its own name first, then aliases and old
-- names. A village's name holds within a township. What could mean two areas is no name.
select
    area.level,
    area.county_code,
    case when area.level = 'village' then area.parent_code else '' end as township_code,
    area.name_zh as name,
    area.area_code,
    'own_name' as method
from {{ ref('dim_area') }} as area
where area.level in ('township', 'village')
union all
select
    alias.level,
    alias.county_code,
    coalesce(alias.township_code, '') as township_code,
    alias.alias as name,
    alias.area_code,
    alias.kind as method
from {{ ref('ref_area_alias') }} as alias
