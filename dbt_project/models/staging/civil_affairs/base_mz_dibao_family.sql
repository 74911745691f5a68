-- M1 低保家庭: a family with a dibao certificate, known by its head.
{{ config(materialized='table') }}
{%- set columns = {
    'head_person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = [
    'cert_no', 'township_code', 'urban_rural', 'class', 'end_reason',
] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set whole_columns = ['members', 'covered'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set money_columns = ['income_pp_m', 'amount_m'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{%- set month_columns = ['start_ym', 'end_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{{ base(
    'mz_dibao_family',
    delivery='increment',
    columns=columns,
    grain=['cert_no'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable(money_columns) ~ ' or ' ~ unreadable(whole_columns)),
        ('D14', unreadable(month_columns)),
    ],
    joins=vault_join('person', 'head_id'),
) }}
