-- C5 帮扶措施: a measure for a household and whether it is in place.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
} -%}
{%- set text_columns = ['measure_type', 'measure_detail', 'implementation'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set month_columns = ['started_ym'] -%}
{%- do columns.update(cells('month', month_columns)) -%}
{{ base(
    'county_measure',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'measure_type'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', cell('text', 'measure_type') ~ ' is null'),
        ('D14', unreadable(month_columns)),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}
