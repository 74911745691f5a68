-- C7 帮扶责任人: who helps a household, by unit and time; names and phones stay in raw.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
} -%}
{%- set text_columns = ['helper_unit', 'position'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['started_on', 'ended_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{{ base(
    'county_helper',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'helper_unit', 'position', 'started_on'],
    defects=[
        ('D02', 'household.key is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}
