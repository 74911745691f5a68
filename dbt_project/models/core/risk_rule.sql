-- The rules in force on the month's last day, each with its threshold in the unit of its values.
select
    rule.rule_code,
    rule.source_family,
    rule.dept_zh,
    rule.name_zh,
    rule.subject,
    rule.population,
    rule.metric,
    rule.operator,
    case rule.basis
        when 'fixed' then rule.threshold
        when 'share_of_income_line' then trim_scale(rule.threshold * line.yuan_pp)
        when 'share_of_prev_yr_rural_income' then trim_scale(rule.threshold * earned.yuan_pp)
    end as threshold,
    case rule.basis when 'fixed' then rule.unit else 'yuan' end as unit,
    rule.basis,
    rule.severity,
    rule.explanation_zh,
    -- Codes nest: the prefix before the trailing pairs of zeros is the area with all below it.
    regexp_replace(rule.area_code, '(00)+$', '') as area_prefix,
    rule.verified
    and case rule.basis
        when 'share_of_income_line' then line.verified
        when 'share_of_prev_yr_rural_income' then earned.verified
        else true
    end as is_verified
from {{ ref('ref_risk_rule') }} as rule
left join {{ ref('ref_income_line') }} as line
    on
        rule.basis = 'share_of_income_line'
        and line.area_code = '431000'
        and line.year = extract(year from {{ month_end() }})
left join {{ ref('ref_rural_income') }} as earned
    on
        rule.basis = 'share_of_prev_yr_rural_income'
        and earned.area_code = '431000'
        and earned.year = extract(year from {{ month_end() }}) - 1
where
    rule.effective_from <= {{ month_end() }}
    and coalesce(rule.effective_to, 'infinity'::date) >= {{ month_end() }}
