-- Whom each staged row is about, and how that was found: one row per row with a person's number.
{{ config(materialized='view') }}
{%- set columns = {
    'county_person': ('cert_no', 'person_key'),
    'county_employment': ('cert_no', 'person_key'),
    'county_welfare_post': ('cert_no', 'person_key'),
    'mz_dibao_family': ('head_id', 'head_person_key'),
    'mz_dibao_member': ('id_no', 'person_key'),
    'mz_tekun': ('id_no', 'person_key'),
    'mz_temp_aid': ('id_no', 'person_key'),
    'mz_low_income': ('head_id', 'head_person_key'),
    'mz_disab_subsidy': ('cert_no', 'person_key'),
    'mz_orphan': ('id_no', 'person_key'),
    'mz_death': ('id_no', 'person_key'),
    'yb_enrol': ('certno', 'person_key'),
    'yb_settle': ('certno', 'person_key'),
    'yb_med_aid': ('certno', 'person_key'),
    'yb_chronic': ('certno', 'person_key'),
    'wj_contract': ('certno', 'person_key'),
    'wj_followup': ('certno', 'person_key'),
    'wj_major_disease': ('certno', 'person_key'),
    'wj_death': ('certno', 'person_key'),
    'wj_birth': ('mother_certno', 'mother_person_key'),
} %}
with staged as (
    {%- for kind, (column, key) in columns.items() %}
    select
        '{{ kind }}' as kind,
        '{{ column }}' as column_name,
        delivery_id,
        row_no,
        period,
        county_code,
        {{ key }} as person_key
    from {{ ref('stg_' ~ kind) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    staged.kind,
    staged.delivery_id,
    staged.row_no,
    staged.period,
    staged.county_code,
    staged.person_key,
    coalesce(link.method, 'resident_id') as method,
    coalesce(link.score, case when link.method is null then 1 end)::numeric as score,
    coalesce(link.evidence, 'resident_id') as evidence
from staged
left join {{ source('vault', 'person_link') }} as link
    on
        staged.delivery_id = link.delivery_id
        and staged.row_no = link.row_no
        and staged.column_name = link.column_name
