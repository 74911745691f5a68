-- M4 特困人员: a person in full public support.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = ['mode'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set money_columns = ['amount_m'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{%- set month_columns = ['start_ym', 'end_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{{ base(
    'mz_tekun',
    delivery='increment',
    columns=columns,
    grain=['person_key', 'start_ym'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable(money_columns)),
        ('D14', unreadable(month_columns)),
    ],
    joins=vault_join('person', 'id_no'),
) }}
