-- Townships by the code of civil affairs (MCA), which is not the statistical one (NBS): 45 differ,
-- and 22 codes mean another township there than here. Civil affairs' rows find their area by this
-- table and never by an equal code.
select
    crosswalk.mca_code9 as mca_township_code,
    crosswalk.county_code,
    crosswalk.township_name,
    area.area_code as township_code,
    coalesce(crosswalk.mca_code9 = crosswalk.nbs_code9, false) as is_same_code,
    coalesce(other.name_zh <> crosswalk.township_name, false) as nbs_code_is_other_place,
    case when other.name_zh <> crosswalk.township_name then other.name_zh end
        as nbs_place_of_same_code
from {{ ref('ref_township_crosswalk') }} as crosswalk
left join {{ ref('dim_area') }} as area
    on area.level = 'township' and crosswalk.nbs_code9 || '000' = area.area_code
left join {{ ref('dim_area') }} as other
    on other.level = 'township' and crosswalk.mca_code9 || '000' = other.area_code
where crosswalk.mca_code9 is not null
