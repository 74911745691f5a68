-- M4 特困人员: a person in full public support.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update({'register_county_code': 'parse.text(r.county_code)'}) -%}
{%- do columns.update(cells('text', ['mode'])) -%}
{%- do columns.update(cells('money', ['amount_m'])) -%}
{%- do columns.update(cells('month', ['start_ym', 'end_ym'])) -%}
{{ config(materialized='table') }}
{{ base(
    'mz_tekun',
    delivery='increment',
    columns=columns,
    grain=['person_key', 'start_ym'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable('money', ['amount_m'])),
        ('D14', unreadable('month', ['start_ym', 'end_ym'])),
    ],
    joins=vault_join('person', 'id_no'),
) }}
