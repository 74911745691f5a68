-- M1 低保家庭: a family with a dibao certificate, known by its head.
{%- set columns = {} -%}
{%- do columns.update({'head_person_key': 'person.key'}) -%}
{%- do columns.update({'register_county_code': 'parse.text(r.county_code)'}) -%}
{%- do columns.update(cells('text', ['cert_no', 'township_code', 'urban_rural', 'class'])) -%}
{%- do columns.update(cells('whole', ['members', 'covered'])) -%}
{%- do columns.update(cells('money', ['income_pp_m', 'amount_m'])) -%}
{%- do columns.update(cells('month', ['start_ym', 'end_ym'])) -%}
{%- do columns.update(cells('text', ['end_reason'])) -%}
{{ config(materialized='table') }}
{{ base(
    'mz_dibao_family',
    delivery='increment',
    columns=columns,
    grain=['cert_no'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable('money', ['income_pp_m', 'amount_m']) ~ ' or ' ~ unreadable('whole', ['members', 'covered'])),
        ('D14', unreadable('month', ['start_ym', 'end_ym'])),
    ],
    joins=vault_join('person', 'head_id'),
) }}
