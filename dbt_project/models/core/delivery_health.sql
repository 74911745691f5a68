-- Each delivery that the month owes, and what came of it: a row per kind and county, and per kind
-- for the city's own systems (431000). Whether it came in time is judged by the sender's own time
-- stamp: when we fetched it says something of us. Systems that we query have no such stamp.
with expected as (
    select
        due.source,
        due.kind,
        due.title_zh,
        due.figure_group,
        due.verified as due_day_verified,
        coalesce(county.county_code, '431000') as county_code,
        {{ month_end() }} + due.due_day as due_on
    from {{ ref('ref_delivery_due') }} as due
    left join {{ ref('dim_area') }} as county
        on due.source = 'county' and county.level = 'county'
),

arrived as (
    select
        delivery.kind,
        delivery.county_code,
        count(*) as arrivals,
        count(distinct delivery.delivery_id) as versions,
        (min(arrival.modified_at) at time zone 'Asia/Shanghai')::date as first_sent_on,
        (max(arrival.modified_at) at time zone 'Asia/Shanghai')::date as last_sent_on
    from {{ source('ops', 'delivery') }} as delivery
    inner join {{ source('ops', 'arrival') }} as arrival
        on
            delivery.delivery_id = arrival.delivery_id
            and arrival.received_at <= '{{ build_var("known_at") }}'::timestamptz
    where delivery.period = {{ period() }}
    group by delivery.kind, delivery.county_code
),

judged as (
    select
        delivery.kind,
        delivery.county_code,
        count(*) filter (where verdict.outcome = 'accepted') as accepted_versions,
        count(*) filter (where verdict.outcome = 'rejected') as rejected_versions,
        coalesce(
            sum(jsonb_array_length(verdict.reasons)) filter (where verdict.outcome = 'rejected'), 0
        ) as rejection_reasons
    from {{ source('ops', 'delivery') }} as delivery
    inner join {{ source('ops', 'acceptance') }} as verdict
        on
            delivery.delivery_id = verdict.delivery_id
            and verdict.decided_at <= '{{ build_var("known_at") }}'::timestamptz
    where delivery.period = {{ period() }}
    group by delivery.kind, delivery.county_code
),

latest as (
    select
        kind,
        county_code,
        max(period) as latest_accepted_period
    from {{ source('ops', 'accepted_delivery') }}
    where
        known_at <= '{{ build_var("known_at") }}'::timestamptz
        and period <= {{ period() }}
    group by kind, county_code
),

accounted as (
    select
        kind,
        county_code,
        sum(row_count) as delivered_rows,
        sum(staged) as staged_rows,
        sum(quarantined) as quarantined_rows,
        sum(superseded) as superseded_rows
    from {{ ref('delivery_accounting') }}
    where period = {{ period() }}
    group by kind, county_code
),

coded as (
    select
        kind,
        county_code,
        sum(filled_cells) as coded_cells,
        sum(unmapped_cells) as unmapped_cells
    from {{ ref('code_coverage') }}
    group by kind, county_code
)

select
    expected.source,
    expected.kind,
    expected.county_code,
    expected.title_zh,
    expected.figure_group,
    expected.due_on,
    expected.due_day_verified,
    case
        when judged.accepted_versions > 0 then 'accepted'
        when judged.rejected_versions > 0 then 'rejected'
        when arrived.arrivals > 0 then 'not_judged'
        else 'missing'
    end as delivery_state,
    coalesce(arrived.arrivals, 0) as arrivals,
    coalesce(arrived.versions, 0) as versions,
    greatest(coalesce(arrived.arrivals, 0) - 1, 0) as resent,
    arrived.first_sent_on,
    arrived.last_sent_on,
    case
        when arrived.first_sent_on is not null
            then greatest(arrived.first_sent_on - expected.due_on, 0)
    end as days_late,
    arrived.first_sent_on > expected.due_on as is_late,
    expected.due_on - arrived.last_sent_on as freshness_days,
    coalesce(judged.accepted_versions, 0) as accepted_versions,
    coalesce(judged.rejected_versions, 0) as rejected_versions,
    coalesce(judged.rejection_reasons, 0) as rejection_reasons,
    latest.latest_accepted_period,
    (
        12 * substr({{ period() }}, 1, 4)::integer
        - 12 * substr(latest.latest_accepted_period, 1, 4)::integer
        + substr({{ period() }}, 6)::integer
        - substr(latest.latest_accepted_period, 6)::integer
    ) as months_behind,
    coalesce(accounted.delivered_rows, 0) as delivered_rows,
    coalesce(accounted.staged_rows, 0) as staged_rows,
    coalesce(accounted.quarantined_rows, 0) as quarantined_rows,
    coalesce(accounted.superseded_rows, 0) as superseded_rows,
    round(
        accounted.quarantined_rows
        / nullif(accounted.staged_rows + accounted.quarantined_rows, 0), 6
    ) as quarantine_share,
    coalesce(coded.coded_cells, 0) as coded_cells,
    coalesce(coded.unmapped_cells, 0) as unmapped_cells,
    round(coded.unmapped_cells / nullif(coded.coded_cells, 0), 6) as unmapped_share
from expected
left join arrived
    on expected.kind = arrived.kind and expected.county_code = arrived.county_code
left join judged
    on expected.kind = judged.kind and expected.county_code = judged.county_code
left join latest
    on expected.kind = latest.kind and expected.county_code = latest.county_code
left join accounted
    on expected.kind = accounted.kind and expected.county_code = accounted.county_code
left join coded
    on expected.kind = coded.kind and expected.county_code = coded.county_code
