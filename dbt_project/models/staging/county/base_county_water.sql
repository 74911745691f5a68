-- C12 饮水安全: the drinking water of a household (T/CHES 18-2018).
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
    'supply_code': 'supply.supply_type',
    'is_piped': 'supply.is_piped',
} -%}
{%- set text_columns = ['supply_type'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set flag_columns = ['quality_ok'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{%- set whole_columns = ['litres_per_day', 'fetch_minutes', 'outage_days'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{%- set money_columns = ['assurance_pct'] -%}
{%- do columns.update(cells('money', money_columns)) -%}
{{ base(
    'county_water',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', 'supply.supply_type is null'),
        ('D13', unreadable(whole_columns) ~ ' or ' ~ unreadable(money_columns)),
    ],
    joins=[
        vault_join('household', 'household_no'),
        label_join('ref_water_supply', 'label', 'supply_type', 'supply'),
    ] | join('\n    '),
    reads_from=previous_period(),
) }}
