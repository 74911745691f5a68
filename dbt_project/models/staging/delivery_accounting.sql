-- Three counts from three places against the loader's own: a row that a join lost or doubled shows.
{{ config(materialized='table') }}
with staged as (
    {%- for kind in kinds() %}
    select
        delivery_id,
        count(*) as staged
    from {{ ref('stg_' ~ kind) }}
    group by delivery_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

quarantined as (
    select
        delivery_id,
        count(*) as quarantined
    from {{ ref('quarantine') }}
    group by delivery_id
),

superseded as (
    {%- for kind in kinds() %}
    select
        delivery_id,
        count(*) as superseded
    from {{ ref('base_' ~ kind) }}
    where disposition = 'superseded'
    group by delivery_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    d.delivery_id,
    d.kind,
    d.county_code,
    d.period,
    d.row_count,
    coalesce(staged.staged, 0) as staged,
    coalesce(quarantined.quarantined, 0) as quarantined,
    coalesce(superseded.superseded, 0) as superseded
from {{ source('ops', 'delivery') }} as d
inner join {{ source('ops', 'accepted_delivery') }} as accepted
    on d.delivery_id = accepted.delivery_id
left join staged on d.delivery_id = staged.delivery_id
left join quarantined on d.delivery_id = quarantined.delivery_id
left join superseded on d.delivery_id = superseded.delivery_id
where
    accepted.known_at <= '{{ build_var("known_at") }}'::timestamptz
    and d.period <= {{ period() }}
    and case
        when d.kind in ({{ quoted(horizons()['previous_month']) }})
            then d.period >= {{ previous_period() }}
        when d.kind in ({{ quoted(horizons()['year']) }}) then d.period >= {{ year_back_period() }}
        else true
    end
