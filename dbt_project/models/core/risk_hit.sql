-- Rules that a person or household of the month meets: the right metric, area, population and side
-- of the threshold.
with population as (
    select
        household_key,
        township_code,
        village_code,
        household_type like 'ex_poor%' as is_ex_poor,
        monitor_status = 'in_force' as is_monitored
    from {{ ref('dim_household') }}
)

select
    rule.rule_code,
    rule.source_family,
    rule.dept_zh,
    rule.name_zh as rule_name_zh,
    rule.severity,
    metric.subject,
    metric.subject_key,
    metric.person_key,
    metric.household_key,
    metric.county_code,
    population.township_code,
    population.village_code,
    population.is_monitored,
    metric.metric,
    metric.value,
    rule.operator,
    rule.threshold,
    rule.unit,
    rule.basis,
    rule.explanation_zh,
    rule.is_verified as rule_verified,
    metric.event_on,
    metric.source_rows
from {{ ref('risk_metric') }} as metric
inner join {{ ref('risk_rule') }} as rule
    on
        metric.metric = rule.metric
        and metric.subject = rule.subject
        and metric.county_code like rule.area_prefix || '%'
inner join population on metric.household_key = population.household_key
where
    case rule.operator
        when '>=' then metric.value >= rule.threshold
        when '>' then metric.value > rule.threshold
        when '<' then metric.value < rule.threshold
        when '<=' then metric.value <= rule.threshold
        when '=' then metric.value = rule.threshold
    end
    and case rule.population
        when 'all_rural' then true
        when 'ex_poor' then population.is_ex_poor
        when 'monitored' then population.is_monitored
        when 'ex_poor_or_monitored' then population.is_ex_poor or population.is_monitored
        when 'other_rural' then not (population.is_ex_poor or population.is_monitored)
    end
