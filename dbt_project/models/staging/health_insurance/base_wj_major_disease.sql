-- H5 大病专项救治: a confirmed disease of the special treatment list.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.admdvs)',
} -%}
{%- set text_columns = ['record_id', 'category', 'dise_code', 'hospital'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['confirmed_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['is_treated'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'wj_major_disease',
    delivery='increment',
    columns=columns,
    grain=['record_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'category') ~ ' is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'certno'),
) }}
