-- M9 殡葬火化: a death known to the funeral register.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update(cells('text', ['death_id'])) -%}
{%- do columns.update(cells('day', ['died_on', 'cremated_on'])) -%}
{{ config(materialized='table') }}
{{ base(
    'mz_death',
    delivery='increment',
    columns=columns,
    grain=['death_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D14', unreadable('day', ['died_on', 'cremated_on'])),
    ],
    joins=vault_join('person', 'id_no'),
) }}
