-- M8 孤儿和事实无人抚养儿童: a child without parents or without care.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = ['orphan_kind'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set month_columns = ['start_ym', 'end_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{%- set money_columns = ['amount_m'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'mz_orphan',
    delivery='increment',
    columns=columns,
    grain=['person_key', 'start_ym'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'orphan_kind') ~ ' is null'),
        ('D14', unreadable(month_columns)),
        ('D13', unreadable(money_columns)),
    ],
    joins=vault_join('person', 'id_no'),
) }}
