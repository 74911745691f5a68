-- Where alerts stand: what counties answer in their clue registers (C4) beside what the bureau
-- records itself (ops.alert_event), for alerts of this month and earlier ones.
--
-- The rule: an alert stands at its furthest step. Where both tell of that step, and for the result,
-- the later word counts, on one day the bureau's.
--
-- A county's answer is about an alert only where it names the alert's number and its household: who
-- copies the next line's number answers nothing. Steps are told by the days of the procedure:
-- received is dispatched; verified with a result is checked; closed is included and entered in the
-- national system, or not included and reviewed by the village. What the visit alone settled waits
-- for somebody to close it.
with clue as (
    -- A number told before the person keys were rotated means the alert by its number of now.
    select
        coalesce(renamed.alert_no, upper(clue.alert_no)) as alert_no,
        clue.household_key,
        clue.county_code,
        clue.received_on,
        case when result.code is not null then coalesce(clue.verified_on, clue.received_on) end
            as checked_on,
        case result.code
            when 'included' then clue.entered_on
            when 'not_included' then clue.reviewed_on
        end as closed_on,
        result.code as result,
        case when result.code = 'not_included' then coalesce(reason.code, 'other') end as reason,
        {{ source_row('county_clue', 'clue') }} as source_row
    from {{ ref('stg_county_clue') }} as clue
    left join {{ source('vault', 'told_alert') }} as renamed
        on upper(clue.alert_no) = renamed.told_no
    left join {{ ref('ref_alert_answer') }} as result
        on result.code_type = 'result' and clue.result = result.label
    left join {{ ref('ref_alert_answer') }} as reason
        on reason.code_type = 'reason' and clue.reject_reason = reason.label
    where
        clue.period = {{ period() }}
        and upper(clue.alert_no) ~ '^YJ[0-9]{4}(0[1-9]|1[0-2])[0-9A-F]{12}$'
        and substr(clue.alert_no, 3, 6) <= replace({{ period() }}, '-', '')
),

event as (
    select
        {{ alert_no('period', 'alert_key') }} as alert_no,
        state,
        result,
        reason,
        (at at time zone 'Asia/Shanghai')::date as said_on,
        alert_event_id
    from {{ source('ops', 'alert_event') }}
    where period <= {{ period() }} and at <= '{{ build_var("known_at") }}'::timestamptz
),

-- Whom an alert's number is said to be about: households by the counties, nobody by the bureau.
alert as (
    select distinct
        alert_no,
        household_key
    from clue
    union
    select
        alert_no,
        null as household_key
    from event
),

told as (
    select
        clue.alert_no,
        clue.household_key,
        step.state,
        step.said_on,
        step.result,
        case when step.result is not null then clue.reason end as reason,
        'county' as said_by,
        0 as alert_event_id,
        clue.source_row
    from clue
    cross join
        lateral (
            values
            ('dispatched', clue.received_on, null),
            ('checked', clue.checked_on, clue.result),
            ('closed', clue.closed_on, clue.result)
        ) as step (state, said_on, result)
    where step.said_on <= {{ month_end() }}
    union all
    select
        alert.alert_no,
        alert.household_key,
        event.state,
        event.said_on,
        event.result,
        event.reason,
        'bureau' as said_by,
        event.alert_event_id,
        '' as source_row
    from event
    inner join alert on event.alert_no = alert.alert_no
),

ranked as (
    select
        told.*,
        array_position(array['dispatched', 'checked', 'closed'], told.state) as step
    from told
),

standing as (
    select distinct on (alert_no, household_key)
        alert_no,
        household_key,
        state,
        said_on as state_on,
        said_by
    from ranked
    order by
        alert_no asc,
        household_key asc,
        step desc,
        said_on desc,
        said_by asc,
        alert_event_id desc,
        source_row asc
),

outcome as (
    select distinct on (alert_no, household_key)
        alert_no,
        household_key,
        result,
        reason
    from ranked
    where result is not null
    order by
        alert_no asc,
        household_key asc,
        said_on desc,
        said_by asc,
        alert_event_id desc,
        source_row asc
),

answer as (
    select
        alert_no,
        household_key,
        min(county_code) as county_code,
        {{ source_rows('source_row') }} as source_rows
    from clue
    group by alert_no, household_key
)

select
    standing.alert_no,
    standing.household_key,
    answer.county_code,
    standing.state,
    standing.state_on,
    standing.said_by,
    outcome.result,
    outcome.reason,
    answer.source_rows
from standing
left join outcome
    on
        standing.alert_no = outcome.alert_no
        and standing.household_key is not distinct from outcome.household_key
left join answer
    on
        standing.alert_no = answer.alert_no
        and standing.household_key = answer.household_key
