-- M5 临时救助: temporary aid granted to a person.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = ['aid_id', 'type'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['applied_on', 'approved_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set money_columns = ['amount'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'mz_temp_aid',
    delivery='increment',
    columns=columns,
    grain=['aid_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable(money_columns)),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'id_no'),
) }}
