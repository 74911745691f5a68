-- Every row that is quarantined at the month's end, since which month its record is (by the keyed
-- hash that names it), and those that a corrected delivery has released since the month before.
{{ config(materialized='table') }}
with accepted as (
    select
        delivery_id,
        kind,
        county_code,
        period
    from {{ source('ops', 'accepted_delivery') }}
    where
        known_at <= '{{ build_var("known_at") }}'::timestamptz
        and period <= {{ period() }}
),

told as (
    select
        accepted.kind,
        accepted.county_code,
        accepted.period,
        defect.delivery_id,
        defect.row_no,
        min(defect.subject_key) as subject_key,
        min(defect.defect_code) as defect_code
    from {{ source('ops', 'delivery_defect') }} as defect
    inner join accepted on defect.delivery_id = accepted.delivery_id
    where defect.treatment = 'quarantined'
    group by
        accepted.kind, accepted.county_code, accepted.period, defect.delivery_id, defect.row_no
),

since as (
    select
        kind,
        county_code,
        subject_key,
        min(period) as first_period
    from told
    where subject_key is not null
    group by kind, county_code, subject_key
),

latest as (
    select
        kind,
        county_code,
        max(period) as period
    from accepted
    group by kind, county_code
),

-- A snapshot replaces the one before: of those only the last one's rows are still open.
held as (
    select
        held.kind,
        held.county_code,
        held.period,
        held.delivery_id,
        held.row_no,
        held.defect_code,
        told.subject_key,
        held.kind not in ({{ quoted(horizons()['previous_month']) }})
        or held.period = latest.period as is_open
    from {{ ref('quarantine') }} as held
    inner join latest on held.kind = latest.kind and held.county_code = latest.county_code
    left join told on held.delivery_id = told.delivery_id and held.row_no = told.row_no
),

-- Held in the month before, or in a version of this month's that was superseded.
released as (
    select
        kind,
        county_code,
        subject_key,
        min(defect_code) as defect_code
    from (
        select
            kind,
            county_code,
            subject_key,
            defect_code
        from held
        where not is_open
        union all
        select
            kind,
            county_code,
            subject_key,
            defect_code
        from told
        where period = {{ period() }}
    ) as before
    where
        subject_key is not null
        and not exists (
            select
            from held
            where
                held.is_open
                and held.kind = before.kind
                and held.county_code = before.county_code
                and held.subject_key = before.subject_key
        )
    group by kind, county_code, subject_key
)

select
    held.kind,
    held.county_code,
    held.defect_code,
    'open' as state,
    coalesce(since.first_period, held.period) as first_period
from held
left join since
    on
        held.kind = since.kind
        and held.county_code = since.county_code
        and held.subject_key = since.subject_key
where held.is_open
union all
select
    released.kind,
    released.county_code,
    released.defect_code,
    'released' as state,
    since.first_period
from released
inner join since
    on
        released.kind = since.kind
        and released.county_code = since.county_code
        and released.subject_key = since.subject_key
