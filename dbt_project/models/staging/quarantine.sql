{{ config(materialized='table') }}
{%- for kind in kinds() %}
select
    delivery_id,
    row_no,
    '{{ kind }}' as kind,
    period,
    county_code,
    defect_code
from {{ ref('base_' ~ kind) }}
where disposition = 'quarantined'
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
