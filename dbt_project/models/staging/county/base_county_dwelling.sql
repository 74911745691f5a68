-- C11 住房安全: the dwelling of a household, its grade (JGJ/T 363-2014) and works.
{{ config(materialized='table') }}
{%- set columns = {
    'household_key': 'household.key',
} -%}
{%- set text_columns = ['grade', 'damage_cause', 'works', 'grade_after'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['assessed_on', 'damaged_on', 'works_done_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['has_house', 'is_only_house'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'county_dwelling',
    delivery='snapshot',
    columns=columns,
    grain=['household_key'],
    defects=[
        ('D02', 'household.key is null'),
        ('D21', cell('text', 'grade') ~ ' is null'),
        ('D14', unreadable('day', day_columns)),
    ],
    joins=vault_join('household', 'household_no'),
    reads_from=previous_period(),
) }}
