-- What the risk rules look at: every metric of every person and household on file in the month.
{{ config(materialized='view') }}
{% for model in metric_models() -%}
select
    subject,
    subject_key,
    person_key,
    household_key,
    county_code,
    metric,
    value,
    event_on,
    source_rows
from {{ ref(model) }}
{% if not loop.last -%}
union all
{% endif -%}
{% endfor %}
