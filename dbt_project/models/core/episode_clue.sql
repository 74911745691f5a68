-- The clue an episode began with: the one that was included and approved or entered in the
-- episode's month. Of several the last received counts. Days of the steps, against the time limits
-- of the regime in which the clue was received.
with clue as (
    select distinct on (episode.household_key, episode.monitored_ym)
        episode.household_key,
        episode.monitored_ym,
        clue.clue_no,
        clue.channel_code as channel,
        clue.risk,
        coalesce(clue.green_channel, false) as is_green_channel,
        clue.received_on,
        clue.verified_on,
        clue.reviewed_on,
        clue.notice_start,
        clue.notice_end,
        clue.county_approved_on,
        clue.entered_on,
        clue.first_measure_on
    from {{ ref('stg_county_clue') }} as clue
    left join {{ ref('household_alias') }} as alias on clue.household_key = alias.household_key
    inner join {{ ref('household_episode') }} as episode
        on
            coalesce(alias.current_household_key, clue.household_key) = episode.household_key
            and episode.monitored_ym in (
                to_char(clue.county_approved_on, 'YYYY-MM'), to_char(clue.entered_on, 'YYYY-MM')
            )
    where clue.period = {{ period() }} and clue.result = '纳入'
    order by
        episode.household_key asc,
        episode.monitored_ym asc,
        clue.received_on desc nulls last,
        clue.clue_no desc,
        clue.county_code asc,
        clue.row_no desc
),

sla as (
    select
        regime,
        effective_from,
        coalesce(effective_to, 'infinity'::date) as effective_to,
        bool_and(verified) as verified,
        max(days) filter (where step = 'notice') as notice_limit,
        max(day_kind) filter (where step = 'notice') as notice_kind,
        max(days) filter (where step = 'procedure') as procedure_limit,
        max(day_kind) filter (where step = 'procedure') as procedure_kind,
        max(days) filter (where step = 'recognition') as recognition_limit,
        max(day_kind) filter (where step = 'recognition') as recognition_kind,
        max(days) filter (where step = 'first_measure') as first_measure_limit,
        max(day_kind) filter (where step = 'first_measure') as first_measure_kind
    from {{ ref('ref_sla') }}
    where area_code = '431000'
    group by regime, effective_from, effective_to
),

-- A step that is not finished has lasted until the month's end.
counted as (
    select
        clue.*,
        sla.regime as sla_regime,
        sla.verified as sla_verified,
        sla.notice_limit,
        sla.procedure_limit,
        sla.recognition_limit,
        sla.first_measure_limit,
        {{ elapsed_days(
            'clue.notice_start', 'clue.notice_end', 'sla.notice_kind', 'notice_start', 'notice_end'
        ) }} as notice_days,
        {{ elapsed_days(
            'clue.received_on', 'clue.county_approved_on', 'sla.procedure_kind', 'received', 'approved'
        ) }} as procedure_days,
        {{ elapsed_days(
            'clue.received_on', 'clue.county_approved_on', 'sla.recognition_kind', 'received', 'approved'
        ) }} as recognition_days,
        {{ elapsed_days(
            'clue.county_approved_on', 'clue.first_measure_on', 'sla.first_measure_kind', 'approved', 'helped'
        ) }} as first_measure_days,
        coalesce(received.verified and approved.verified, false) as calendar_verified
    from clue
    left join sla on clue.received_on between sla.effective_from and sla.effective_to
    left join {{ ref('dim_calendar') }} as received on clue.received_on = received.day
    left join {{ ref('dim_calendar') }} as notice_start on clue.notice_start = notice_start.day
    left join {{ ref('dim_calendar') }} as notice_end
        on coalesce(clue.notice_end, {{ month_end() }}) = notice_end.day
    left join {{ ref('dim_calendar') }} as approved
        on coalesce(clue.county_approved_on, {{ month_end() }}) = approved.day
    left join {{ ref('dim_calendar') }} as helped
        on coalesce(clue.first_measure_on, {{ month_end() }}) = helped.day
)

select
    household_key,
    monitored_ym,
    clue_no,
    channel,
    risk,
    is_green_channel,
    received_on,
    verified_on,
    reviewed_on,
    notice_start,
    notice_end,
    county_approved_on,
    entered_on,
    first_measure_on,
    sla_regime,
    sla_verified,
    calendar_verified,
    notice_days,
    -- The notice must last at least so long; whether it does is open while it lasts.
    case
        when notice_days >= notice_limit then true
        when notice_end is not null then notice_days >= notice_limit
    end as is_notice_kept,
    procedure_days,
    {{ is_kept('procedure_days', 'procedure_limit', 'county_approved_on') }} as is_procedure_kept,
    recognition_days,
    {{ is_kept('recognition_days', 'recognition_limit', 'county_approved_on') }}
        as is_recognition_kept,
    first_measure_days,
    {{ is_kept('first_measure_days', 'first_measure_limit', 'first_measure_on') }}
        as is_first_measure_kept
from counted
