-- One row per household of a published county in the month. A household that two counties report is
-- taken from the one whose code sorts first; area_as_written knows which villages the file means.
select distinct on (household.household_key)
    household.household_key,
    household.county_code,
    area.township_code,
    area.village_code,
    coalesce(household_type.household_type, 'unmapped') as household_type,
    household.monitor_code as monitor_category,
    case
        when household.monitor_code is null then 'none'
        when coalesce(household.risk_cleared, false) then 'cleared'
        else 'in_force'
    end as monitor_status,
    household.first_identified_ym,
    household.monitored_ym,
    household.cleared_ym,
    coalesce(household.member_count, 0) as members
from {{ ref('stg_county_household') }} as household
inner join {{ ref('county_status') }} as status
    on household.county_code = status.county_code and status.is_published
left join {{ ref('area_as_written') }} as area
    on
        household.county_code = area.county_code
        and household.township is not distinct from area.township
        and household.village is not distinct from area.village
left join {{ ref('ref_household_type') }} as household_type
    on household.household_type = household_type.label
where household.period = {{ period() }}
order by household.household_key, household.county_code, area.village_code
