-- One alert per rule, person or household, and month. An alert is a lead, not a finding: it carries
-- what it rests on, and what became of it as far as known. Its key depends on nothing else, so a
-- re-sent file or another build raises no second alert. Its number is the beginning of the key in a
-- form that a county can write down.
with alert as (
    select
        hit.*,
        encode(
            sha256(
                convert_to(
                    concat_ws('/', hit.rule_code, hit.subject, hit.subject_key, {{ period() }}),
                    'UTF8'
                )
            ),
            'hex'
        ) as alert_key
    from {{ ref('risk_hit') }} as hit
),

numbered as (
    select
        alert.*,
        {{ alert_no(period(), 'alert.alert_key') }} as alert_no
    from alert
)

select
    {{ period() }}::text as period,
    alert.alert_key,
    alert.alert_no,
    alert.rule_code,
    alert.rule_name_zh,
    alert.source_family,
    alert.dept_zh,
    alert.severity,
    alert.subject,
    alert.person_key,
    alert.household_key,
    alert.county_code,
    alert.township_code,
    alert.village_code,
    alert.is_monitored,
    alert.metric,
    alert.value,
    alert.operator,
    alert.threshold,
    alert.unit,
    alert.basis,
    alert.event_on,
    replace(
        replace(
            alert.explanation_zh, '{value}', {{ figure_zh('alert.value', 'alert.unit') }}
        ),
        '{threshold}',
        {{ figure_zh('alert.threshold', 'alert.unit') }}
    ) as explanation_zh,
    alert.source_rows,
    alert.rule_verified,
    '{{ build_var("seeds_sha256")[:12] }}'::text as seeds_version,
    coalesce(answered.state, recorded.state, 'raised') as state,
    coalesce(answered.result, recorded.result) as result,
    case
        when answered.result is not null then answered.reason
        else recorded.reason
    end as result_reason,
    coalesce(answered.state_on, recorded.state_on) as state_on
from numbered as alert
-- What the county answered is merged with the bureau's records already.
left join {{ ref('alert_standing') }} as answered
    on alert.alert_no = answered.alert_no and alert.household_key = answered.household_key
left join {{ ref('alert_standing') }} as recorded
    on alert.alert_no = recorded.alert_no and recorded.household_key is null
