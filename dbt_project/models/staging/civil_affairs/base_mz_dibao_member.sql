-- M2 低保家庭成员: a person on a dibao certificate.
{{ config(materialized='table') }}
{%- set columns = {
    'person_key': 'person.key',
} -%}
{%- set text_columns = ['cert_no'] -%}
{%- do columns.update(cells('text', text_columns)) -%}
{%- set flag_columns = ['covered'] -%}
{%- do columns.update(cells('flag', flag_columns)) -%}
{{ base(
    'mz_dibao_member',
    delivery='increment',
    columns=columns,
    grain=['cert_no', 'person_key'],
    defects=[
        ('D04', 'person.key is null'),
    ],
    joins=vault_join('person', 'id_no'),
) }}
