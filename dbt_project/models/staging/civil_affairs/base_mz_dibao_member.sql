-- M2 低保家庭成员: a person on a dibao certificate.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update(cells('text', ['cert_no'])) -%}
{%- do columns.update(cells('flag', ['covered'])) -%}
{{ config(materialized='table') }}
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
