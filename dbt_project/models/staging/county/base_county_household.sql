-- C1 户信息: a household as its county reports it for a month. The head is known by the persons
-- file.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'monitor_code': 'monitor.monitor_category',
} -%}
{%- set text_columns = [
    'township', 'village', 'household_type', 'monitor_category', 'clear_method', 'risk_1',
    'risk_2', 'risk_3', 'dwelling_grade',
] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set month_columns = ['first_identified_ym', 'monitored_ym', 'cleared_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{%- set flag_columns = [
    'risk_cleared', 'no_labour_safety_net', 'resettled', 'safe_water',
] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{%- set whole_columns = ['member_count'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set money_columns = ['net_income_pp'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_household',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', unmapped('monitor_category', 'monitor.monitor_category')),
        ('D14', unreadable(month_columns)),
        ('D13', unreadable(whole_columns) ~ ' or ' ~ unreadable(money_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        label_join('ref_monitor_category', 'label', 'monitor_category', 'monitor'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}
