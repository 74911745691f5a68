-- C6 走访记录: a visit to a household in the month, with the yes/no findings of the form.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
} -%}
{%- set text_columns = ['visit_type'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['visited_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = [
    'food_ok', 'clothing_ok', 'housing_problem', 'dropout_problem', 'water_problem',
    'uninsured_problem', 'income_dropped',
] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'county_visit',
    delivery='snapshot',
    columns=columns,
    grain=['household_key', 'visited_on'],
    defects=[
        ('D02', 'household.key is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}
