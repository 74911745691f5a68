-- H3 门诊慢特病备案: a chronic illness registered for outpatient benefits.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.insuplc_admdvs)',
} -%}
{%- set text_columns = ['dise_code'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['begndate', 'enddate'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{{ base(
    'yb_chronic',
    delivery='snapshot',
    columns=columns,
    grain=['person_key', 'dise_code', 'begndate'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'dise_code') ~ ' is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=previous_period(),
) }}
