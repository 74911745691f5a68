-- C5 帮扶措施: a measure for a household and whether it is in place.
{%- set columns = {} -%}
{%- do columns.update({'household_key': 'household.key'}) -%}
{%- do columns.update(cells('text', ['measure_type', 'measure_detail'])) -%}
{%- do columns.update(cells('month', ['started_ym'])) -%}
{%- do columns.update(cells('text', ['implementation'])) -%}
{{ config(materialized='table') }}
{{ base(
    'county_measure',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'measure_type'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', cell('text', 'measure_type') ~ ' is null'),
        ('D14', unreadable('month', ['started_ym'])),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}
