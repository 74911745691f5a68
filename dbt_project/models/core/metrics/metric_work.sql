-- Months worked of those who work or plan to, jobs lost in the month, and wages owed.
{%- set metrics = [
    ('work_months_last_6', 'months_last_6::numeric', 'null::date',
        '(is_employed or is_planned) and months_last_6 is not null'),
    ('job_lost', '1::numeric', 'ended_on', 'is_job_lost'),
    ('wage_arrears_amt', 'wage_arrears', 'null::date', 'wage_arrears > 0'),
] -%}
{%- for metric, value, event_on, condition in metrics %}
select
    'person'::text as subject,
    person_key as subject_key,
    person_key,
    household_key,
    county_code,
    '{{ metric }}'::text as metric,
    {{ value }} as value,
    {{ event_on }} as event_on,
    array['county_employment/' || delivery_id || '/' || row_no]::text[] as source_rows
from {{ ref('job_month') }}
where household_key is not null and {{ condition }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
