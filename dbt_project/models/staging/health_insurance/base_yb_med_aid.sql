-- H4 医疗救助: medical aid granted.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.insuplc_admdvs)',
} -%}
{%- set text_columns = ['aid_id', 'aid_type', 'setl_id'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['aid_date'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set money_columns = ['aid_amt'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'yb_med_aid',
    delivery='increment',
    columns=columns,
    grain=['aid_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'aid_type') ~ ' is null'),
        ('D14', unreadable(day_columns)),
        ('D13', unreadable(money_columns)),
    ],
    joins=vault_join('person', 'certno'),
    reads_from=year_back_period(),
) }}
