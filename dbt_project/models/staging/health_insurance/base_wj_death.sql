-- H8 死亡医学证明: a death with its underlying cause.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.admdvs)',
} -%}
{%- set text_columns = ['record_id', 'cause_code'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['died_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{{ base(
    'wj_death',
    delivery='increment',
    columns=columns,
    grain=['record_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'certno'),
) }}
