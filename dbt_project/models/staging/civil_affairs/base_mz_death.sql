-- M9 殡葬火化: a death known to the funeral register.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
} -%}
{%- set text_columns = ['death_id'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['died_on', 'cremated_on'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{{ base(
    'mz_death',
    delivery='increment',
    columns=columns,
    grain=['death_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'id_no'),
) }}
