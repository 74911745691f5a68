-- H9 出生医学证明: a birth, found by the mother; the child has no ID yet.
{{ config(materialized='table') }}
{%- set columns = {
    'mother_person_key': 'person.key',
    'register_county_code': 'parse.text(r.admdvs)',
} -%}
{%- set text_columns = ['record_id', 'child_sex'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set day_columns = ['birth_date'] -%}
{%- do columns.update(cells('day', day_columns)) -%}
{%- set flag_columns = ['birth_defect'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'wj_birth',
    delivery='increment',
    columns=columns,
    grain=['record_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D21', cell('text', 'child_sex') ~ ' is null'),
        ('D14', unreadable(day_columns)),
    ],
    joins=vault_join('person', 'mother_certno'),
) }}
