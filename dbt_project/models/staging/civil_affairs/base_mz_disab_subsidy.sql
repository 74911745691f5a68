-- M7 残疾人两项补贴: a disability certificate and its subsidies.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = ['disability_type', 'disability_grade'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['issued_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set month_columns = ['start_ym', 'end_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{%- set money_columns = ['living_subsidy_m', 'care_subsidy_m'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'mz_disab_subsidy',
    delivery='increment',
    columns=columns,
    grain=['person_key', 'start_ym'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'disability_type') ~ ' is null'),
        ('D14', unreadable(month_columns) ~ ' or ' ~ unreadable(day_columns)),
        ('D13', unreadable(money_columns)),
    ],
    joins=vault_join('person', 'cert_no'),
) }}
