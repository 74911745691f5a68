-- M5 临时救助: temporary aid granted to a person.
{%- set columns = {} -%}
{%- do columns.update({'person_key': 'person.key'}) -%}
{%- do columns.update({'register_county_code': 'parse.text(r.county_code)'}) -%}
{%- do columns.update(cells('text', ['aid_id'])) -%}
{%- do columns.update(cells('day', ['applied_on', 'approved_on'])) -%}
{%- do columns.update(cells('text', ['type'])) -%}
{%- do columns.update(cells('money', ['amount'])) -%}
{{ config(materialized='table') }}
{{ base(
    'mz_temp_aid',
    delivery='increment',
    columns=columns,
    grain=['aid_id'],
    defects=[
        ('D04', 'person.key is null'),
        ('D13', unreadable('money', ['amount'])),
        ('D14', unreadable('day', ['applied_on', 'approved_on'])),
    ],
    joins=vault_join('person', 'id_no'),
) }}
