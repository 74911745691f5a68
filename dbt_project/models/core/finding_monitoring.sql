-- Contradictions between a monitored household's state, its measures, income and members.
with household as (
    select
        household.household_key,
        household.county_code,
        household.monitor_status,
        household.monitored_ym,
        household.cleared_ym,
        file.clear_method,
        array_remove(array[file.risk_1, file.risk_2, file.risk_3], null) as risks,
        coalesce(file.no_labour_safety_net, false) as is_safety_net,
        file.delivery_id,
        file.row_no
    from {{ ref('dim_household') }} as household
    inner join {{ ref('stg_county_household') }} as file
        on
            household.household_key = file.household_key
            and household.county_code = file.county_code
            and file.period = {{ period() }}
    where household.monitor_status <> 'none'
),

help as (
    select
        household_key,
        county_code,
        count(*) as measures,
        count(*) filter (where implementation = '已实施') as in_place
    from {{ ref('stg_county_measure') }}
    where period = {{ period() }}
    group by household_key, county_code
),

unanswered as (
    select
        household.household_key,
        household.county_code,
        count(distinct risk.risk) as risks
    from household
    cross join lateral unnest(household.risks) as risk (risk)
    where
        household.monitor_status = 'cleared'
        and exists (
            select 1
            from {{ ref('ref_cause_measure') }} as cause
            where cause.risk = risk.risk
        )
        and not exists (
            select 1
            from {{ ref('ref_cause_measure') }} as cause
            inner join {{ ref('stg_county_measure') }} as measure
                on cause.measure_type = measure.measure_type
            where
                cause.risk = risk.risk
                and measure.period = {{ period() }}
                and measure.household_key = household.household_key
                and measure.county_code = household.county_code
        )
    group by household.household_key, household.county_code
),

line as (
    select yuan_pp
    from {{ ref('ref_income_line') }}
    where area_code = '431000' and year = '{{ build_var("period")[:4] }}'::integer
),

member as (
    select
        person.household_key,
        person.county_code,
        bool_and(
            coalesce(person.labour = any(string_to_array(rule.param_text, ',')), false)
        ) as is_without_labour,
        bool_or(coalesce(person.dibao, false) or coalesce(person.tekun, false)) as is_assisted
    from {{ ref('stg_county_person') }} as person
    inner join {{ cross_rule('X08') }} as rule on true
    where person.period = {{ period() }} and person.is_present
    group by person.household_key, person.county_code
),

found as (
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        {{ months_between('household.monitored_ym', period()) }}::numeric as value
    from household
    inner join help
        on
            household.household_key = help.household_key
            and household.county_code = help.county_code
    inner join {{ cross_rule('X03') }} as rule on true
    where
        household.monitor_status = 'in_force'
        and help.in_place = 0
        and {{ months_between('household.monitored_ym', period()) }} >= rule.param_number
    union all
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        coalesce(help.measures, 0)::numeric as value
    from household
    left join help
        on
            household.household_key = help.household_key
            and household.county_code = help.county_code
    inner join {{ cross_rule('X04') }} as rule on household.clear_method = rule.param_text
    where household.monitor_status = 'cleared' and coalesce(help.in_place, 0) = 0
    union all
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        {{ months_between('household.monitored_ym', 'household.cleared_ym') }}::numeric as value
    from household
    inner join {{ cross_rule('X05') }} as rule on household.clear_method = rule.param_text
    where
        household.monitor_status = 'cleared'
        and {{ months_between('household.monitored_ym', 'household.cleared_ym') }}
        <= rule.param_number
    union all
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        income.net_income_pp as value
    from household
    inner join {{ ref('household_income') }} as income
        on household.household_key = income.household_key
    inner join line on true
    inner join {{ cross_rule('X06') }} as rule on household.clear_method = rule.param_text
    where
        household.monitor_status = 'cleared'
        and income.net_income_pp < rule.param_number * line.yuan_pp
    union all
    select
        rule.rule_code,
        unanswered.household_key,
        unanswered.county_code,
        unanswered.risks::numeric as value
    from unanswered
    inner join {{ cross_rule('X07') }} as rule on true
    union all
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        null::numeric as value
    from household
    inner join member
        on
            household.household_key = member.household_key
            and household.county_code = member.county_code
    inner join {{ cross_rule('X08') }} as rule on true
    where
        household.monitor_status = 'in_force'
        and not household.is_safety_net
        and member.is_without_labour
        and member.is_assisted
    union all
    select
        rule.rule_code,
        household.household_key,
        household.county_code,
        max(substr(household.monitored_ym, 6, 2)::numeric) as value
    from household
    inner join {{ ref('stg_county_measure') }} as measure
        on
            household.household_key = measure.household_key
            and household.county_code = measure.county_code
            and measure.period = {{ period() }}
    inner join {{ cross_rule('X12') }} as rule on measure.measure_detail = rule.param_text
    where
        substr(household.monitored_ym, 6, 2)::numeric > rule.param_number
        and substr(measure.started_ym, 1, 4) = substr(household.monitored_ym, 1, 4)
    group by rule.rule_code, household.household_key, household.county_code
)

select
    found.rule_code,
    'household'::text as subject,
    found.household_key as subject_key,
    null::text as person_key,
    found.household_key,
    found.county_code,
    found.value,
    array['county_household/' || household.delivery_id || '/' || household.row_no] as source_rows
from found
inner join household
    on
        found.household_key = household.household_key
        and found.county_code = household.county_code
