with found as (
    select * from {{ ref('finding_identity') }}
    union all
    select * from {{ ref('finding_monitoring') }}
    union all
    select * from {{ ref('finding_work') }}
)

select
    {{ period() }}::text as period,
    found.rule_code,
    found.subject_key as finding_key,
    found.subject,
    found.household_key,
    found.person_key,
    found.county_code,
    rule.name_zh as rule_name_zh,
    rule.sender,
    replace(rule.reason_zh, '{value}', coalesce(trim_scale(found.value)::text, '')) as reason,
    rule.remedy_zh,
    found.value,
    found.source_rows,
    rule.verified as rule_verified
from found
inner join {{ ref('ref_cross_rule') }} as rule
    on
        found.rule_code = rule.rule_code
        and rule.area_code = '431000'
        and rule.effective_from <= {{ month_end() }}
        and coalesce(rule.effective_to, 'infinity'::date) >= {{ month_end() }}
