-- M6 低收入人口: a family recognised in one of the layers of low-income population.
{{ config(materialized='table') }}
{%- set columns = {
    'head_person_key': 'person.key',
    'register_county_code': 'parse.text(r.county_code)',
} -%}
{%- set text_columns = ['record_id', 'layer'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['recognised_on', 'valid_to', 'ended_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set whole_columns = ['members'] -%}
{%- do columns.update(cells('whole', whole_columns)) -%}
{{ base(
    'mz_low_income',
    delivery='increment',
    columns=columns,
    grain=['record_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'layer') ~ ' is null'),
        ('D14', unreadable(day_columns)),
        ('D13', unreadable(whole_columns)),
    ],
    joins=vault_join('person', 'head_id'),
) }}
