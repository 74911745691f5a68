with counted as (
    select
        kind,
        county_code,
        defect_code,
        count(*) filter (where state = 'open') as open_rows,
        count(*) filter (where state = 'open' and first_period = {{ period() }}) as new_rows,
        count(*) filter (where state = 'released') as released_rows,
        min(first_period) filter (where state = 'open') as oldest_period
    from {{ ref('quarantine_life') }}
    group by kind, county_code, defect_code
)

select
    {{ period() }}::text as period,
    counted.kind::text as kind,
    counted.county_code::text as county_code,
    counted.defect_code::text as defect_code,
    defect.name_zh::text as defect_name,
    counted.open_rows::bigint as open_rows,
    counted.new_rows::bigint as new_rows,
    counted.released_rows::bigint as released_rows,
    counted.oldest_period::text as oldest_period,
    (
        12 * (substr({{ period() }}, 1, 4)::integer - substr(counted.oldest_period, 1, 4)::integer)
        + substr({{ period() }}, 6, 2)::integer - substr(counted.oldest_period, 6, 2)::integer
    )::integer as oldest_age_months
from counted
inner join {{ ref('ref_defect') }} as defect on counted.defect_code = defect.defect_code
