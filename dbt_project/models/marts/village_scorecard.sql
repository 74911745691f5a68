with household as (
    select
        county_code,
        -- Households whose village nobody knows stay in their county's sum, in a row of their own.
        coalesce(village_code, county_code || '000000') as village_code,
        count(*) as households,
        sum(members) as members,
        sum(persons_on_file) as persons,
        count(*) filter (where household_type like 'ex_poor%') as ex_poor,
        count(*) filter (where monitor_status = 'in_force') as monitored,
        count(*) filter (where monitor_status = 'cleared') as cleared_ever,
        count(*) filter (where is_new) as new_monitored,
        count(*) filter (where is_relapsed) as relapsed,
        count(*) filter (where is_cleared) as cleared,
        round(sum(net_income) / nullif(sum(members) filter (where net_income is not null), 0), 2)
            as net_income_pp,
        count(*) filter (where is_below_line) as below_line,
        sum(insured_persons) as insured,
        sum(insurable_persons) as insurable,
        sum(out_of_pocket_ytd_amt) as out_of_pocket_ytd_amt,
        count(*) filter (where is_high_burden) as high_burden,
        count(*) filter (where has_dibao) as dibao,
        count(*) filter (where has_tekun) as tekun,
        count(*) filter (where monitor_status = 'in_force' and measures_in_place > 0)
            as monitored_with_measure
    from {{ ref('household_month') }}
    group by county_code, coalesce(village_code, county_code || '000000')
),

grade as (
    select
        county_code,
        max(grade) filter (where figure_group = 'households') as grade_households,
        max(grade) filter (where figure_group = 'income') as grade_income,
        max(grade) filter (where figure_group = 'health') as grade_health,
        max(grade) filter (where figure_group = 'assistance') as grade_assistance
    from {{ ref('county_grade') }}
    group by county_code
)

select
    {{ period() }}::text as period,
    household.village_code,
    household.county_code,
    township.area_code as township_code,
    county.name_zh as county_name,
    township.name_zh as township_name,
    coalesce(village.name_zh, '未匹配') as village_name,
    household.households::integer as households,
    household.persons::integer as persons,
    household.ex_poor::integer as ex_poor_households,
    household.monitored::integer as monitored_households,
    household.cleared_ever::integer as cleared_households_ever,
    household.new_monitored::integer as new_monitored_households,
    household.relapsed::integer as relapsed_monitored_households,
    household.cleared::integer as cleared_monitored_households,
    grade.grade_households,
    household.net_income_pp,
    household.below_line::integer as households_below_line,
    grade.grade_income,
    household.insured::integer as insured_persons,
    round(household.insured::numeric / nullif(household.insurable, 0), 6) as insured_share,
    household.out_of_pocket_ytd_amt,
    household.high_burden::integer as high_burden_households,
    grade.grade_health,
    household.dibao::integer as dibao_households,
    household.tekun::integer as tekun_households,
    household.monitored_with_measure::integer as monitored_with_measure_households,
    grade.grade_assistance
from household
left join {{ ref('dim_area') }} as village
    on household.village_code = village.area_code and village.level = 'village'
left join {{ ref('dim_area') }} as township
    on village.parent_code = township.area_code
left join {{ ref('dim_area') }} as county
    on county.level = 'county' and household.county_code = county.county_code
left join grade on household.county_code = grade.county_code
