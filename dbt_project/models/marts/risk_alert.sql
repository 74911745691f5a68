-- One alert per rule, person or household, and month. An alert is a lead, not a finding: it carries
-- what it rests on, and what became of it as far as known. Its key depends on nothing else, so a
-- re-sent file or another build raises no second alert.
with event as (
    select
        alert_key,
        max(state) filter (where is_last) as state,
        max(result) as result,
        max(reason) as result_reason,
        max((at at time zone 'Asia/Shanghai')::date) as state_on
    from (
        select
            alert_key,
            state,
            result,
            reason,
            at,
            row_number() over (partition by alert_key order by alert_event_id desc) = 1 as is_last
        from {{ source('ops', 'alert_event') }}
        where period = {{ period() }} and at <= '{{ var("known_at") }}'::timestamptz
    ) as known
    group by alert_key
),

alert as (
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
)

select
    {{ period() }}::text as period,
    alert.alert_key,
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
    '{{ var("seeds_sha256")[:12] }}'::text as seeds_version,
    coalesce(event.state, 'raised') as state,
    event.result,
    event.result_reason,
    event.state_on
from alert
left join event on alert.alert_key = event.alert_key
